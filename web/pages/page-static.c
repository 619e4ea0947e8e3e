#include "page-static.h"
#include "static-files.h"

#include <string.h>

enum page_result page_static(struct page *page)
{
	const struct static_file *file =
		static_file_find(page->request->path);
	struct http_response *response = page->response;
	const char *known = page->request->if_none_match;

	if (file == NULL)
		return page_error(page, 404);
	response->cache = HTTP_CACHE_FOREVER;
	response->etag = file->etag;
	if (known != NULL && strstr(known, file->etag) != NULL) {
		response->status = 304;
		return PAGE_DONE;
	}
	response->content_type = file->content_type;
	response->static_data = file->data;
	response->static_size = file->size;
	if (file->gzip_data != NULL && page->request->accepts_gzip) {
		response->static_data = file->gzip_data;
		response->static_size = file->gzip_size;
		response->content_encoding = "gzip";
	}
	return PAGE_DONE;
}
