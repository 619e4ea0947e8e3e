"""What the generator of views refuses, and what it makes of the rest."""

import re
import sys

import pytest

from builds import SOURCE

sys.path.insert(0, str(SOURCE / "web/generate"))
import catalogs  # noqa: E402
import templates  # noqa: E402
from parsing import TemplateError  # noqa: E402

PO = '''
msgid "plain"
msgstr "Plain"

msgid "named"
msgstr "Hello {name}"

msgid "many"
msgid_plural "many"
msgstr[0] "{count} one"
msgstr[1] "{count} others"

msgid "rich_html"
msgstr "<strong>{name}</strong>"

msgid "link_html"
msgstr "<a href=\\"{url}\\">there</a>"
'''


@pytest.fixture
def make(tmp_path):
    """Makes a page of this content; returns its C."""
    folder = tmp_path / "templates"
    (folder / "parts").mkdir(parents=True)
    (folder / "layout.html").write_text(
        "<title>{% slot title %}</title>{% slot content %}")
    (tmp_path / "en.po").write_text(PO)
    style = tmp_path / "main.css"
    style.write_text("a { }\n")

    def make(content, title="T", **parts):
        for name, text in parts.items():
            (folder / "parts" / f"{name}.html").write_text(text)
        (folder / "page.html").write_text(
            "{% section title %}" + title + "{% end %}"
            "{% section content %}" + content + "{% end %}\n")
        maker = templates.Maker(folder, catalogs.load(tmp_path / "en.po"),
                                {"main.css": style})
        return maker.source([folder / "page.html"])
    return make


REFUSED = {
    "value in an unquoted attribute": "<p class={{ v.x }}></p>",
    "static unquoted attribute": "<p class=a></p>",
    "single quotes": "<p class='a'></p>",
    "value as a tag's name": "<{{ v.x }}>",
    "value in a tag's name": "<p{{ v.x }}></p>",
    "value as an attribute": "<p {{ v.x }}></p>",
    "value in an attribute's name": '<p data-{{ v.x }}="a"></p>',
    "value in a script": "<script>{{ v.x }}</script>",
    "a script with content": "<script>a</script>",
    "a message in a script": "<script>{% t plain %}</script>",
    "a style": "<style></style>",
    "a style attribute": '<p style="color: red"></p>',
    "a style attribute in capitals": '<p STYLE="color: red"></p>',
    "an event attribute": '<p onclick="a()"></p>',
    "an address without | url": '<a href="/a?b={{ v.x }}">a</a>',
    "an address that is a value": '<a href="{{ v.x | url }}">a</a>',
    "a scheme": '<a href="https://{{ v.x | url }}">a</a>',
    "a host": '<a href="//{{ v.x | url }}">a</a>',
    "a host after a slash": '<a href="/{{ v.x | url }}">a</a>',
    "an action": '<form action="{{ v.x | url }}"></form>',
    "a source": '<img src="{{ v.x }}" alt="">',
    "a message as an address": '<a href="/{% t plain %}">a</a>',
    "| url in text": "<p>{{ v.x | url }}</p>",
    "an unclosed tag": "<p>a",
    "a tag that was not opened": "a</p>",
    "tags that cross": "<p><b></p></b>",
    "a tag closed in one branch": "<p>{% if v.x %}</p>{% end %}",
    "a tag opened in a loop": "{% for m in v.l %}<p>{% end %}",
    "a quote opened in a branch": '<p class={% if v.x %}"a"{% end %}></p>',
    "an attribute after another": '<p {% if v.x %}a{% end %}b></p>',
    "branches with different addresses":
        '<a href="{% if v.x %}/a{% else %}b{% end %}{{ v.x | url }}">a</a>',
    "a comment": "<!-- {{ v.x }} -->",
    "a declaration": "<!ELEMENT>",
    "a tag in a value": '<p class="<b>"></p>',
    "an unknown message": "{% t unknown %}",
    "a value that is missing": "{% t named %}",
    "a value that is unknown": "{% t plain name=v.x %}",
    "a plural without a number": "{% t many count=v.x %}",
    "tags in an attribute": '<p class="{% t rich_html name=v.x %}"></p>',
    "a link without a path": '{% t link_html url="https://x" %}',
    "a link that is a value": "{% t link_html url=v.x %}",
    "an unknown filter": "{{ v.x | raw }}",
    "a filter of a message": "{% t named name=v.x|raw %}",
    "no expression": "{{ v.x() }}",
    "code": "{{ v.x; abort() }}",
    "code in a condition": "{% if abort() %}a{% end %}",
    "code in a loop": "{% for m in abort() %}a{% end %}",
    "an unknown word": "{% raw v.x %}",
    "no end": "{% if v.x %}a",
    "an end too many": "a{% end %}",
    "else twice": "{% if v.x %}a{% else %}b{% else %}c{% end %}",
    "a value that is not closed": "{{ v.x",
    "and with or": "{% if v.x and v.y or v.z %}a{% end %}",
    "an unknown static file": '<link href="{% static other.css %}">',
    "an unknown part": "{% include other %}",
    "a slot": "{% slot content %}",
    "a section in a section": "{% section title %}a{% end %}",
    "a parameter that was not given": "<p>{{ $x }}</p>",
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_refused(make, content):
    with pytest.raises(TemplateError) as raised:
        make(content)
    assert re.search(r"(page|layout)\.html:\d+: ", str(raised.value))


@pytest.mark.parametrize("title", ["<b>a</b>", "{% t rich_html name=v.x %}",
                                   "</title>"])
def test_refused_in_titles(make, title):
    with pytest.raises(TemplateError):
        make("a", title)


def test_an_error_names_its_line(make):
    with pytest.raises(TemplateError, match=r"page\.html:3: .*double quotes"):
        make("<p>\na</p>\n<p class=a></p>\n<p></p>")


def test_an_error_in_a_part_names_the_part(make):
    with pytest.raises(TemplateError, match=r"parts/p\.html:2: "):
        make("{% include p %}", p="a\n<p class=b></p>")


def test_a_part_that_includes_itself_is_refused(make):
    with pytest.raises(TemplateError, match="includes itself"):
        make("{% include p %}", p="{% include p %}")


def test_text_is_escaped_by_default(make):
    source = make('<p title="{{ v.x }}">{{ v.m.y }}</p>')
    assert "html_text(out, v->x);" in source
    assert "html_text(out, v->m.y);" in source


def test_addresses_are_encoded(make):
    source = make('<a href="/a?b={{ v.x | url }}">a</a>')
    assert "html_url(out, v->x);" in source
    assert '"<a href=\\"/a\\?b="' in source


def test_numbers_in_attributes_are_digits(make):
    source = make('<p title="{{ v.n | number }}">{{ v.n | number }}</p>')
    assert "html_number(out, v->n);" in source
    assert 'LANGUAGE_NUMBER("", v->n)' in source


def test_values_of_messages(make):
    source = make("{% t named name=v.x %}{% t many count=v.n|number %}")
    assert 'MSG_named, LANGUAGE_TEXT("name", v->x));' in source
    assert 'MSG_many, LANGUAGE_NUMBER("count", v->n));' in source


def test_links_in_messages(make):
    source = make('{% t link_html url="/a?b="+v.x %}'
                  '{% t link_html url="/a" %}')
    assert 'LANGUAGE_LINK("url", "/a\\?b=", v->x)' in source
    assert 'LANGUAGE_LINK("url", "/a", NULL)' in source


def test_loops_and_conditions(make):
    source = make("{% for m in v.l %}{% if m.a and not m.b %}"
                  "{{ *m }}{% elif m_index > 1 %}b{% end %}{% end %}")
    assert "m_index < v->l_count; m_index++" in source
    assert "if (m->a && !(m->b)) {" in source
    assert "html_text(out, *m);" in source
    assert "} else if (m_index > 1) {" in source


def test_what_a_part_was_not_given_leaves_no_code(make):
    source = make('{% include p a="1" %}',
                  p='{% if $a %}<p>{{ $a }}</p>{% end %}'
                    '{% if $b %}<i>{{ $b }}</i>{% end %}')
    assert '"<p>1</p>"' in source and "<i>" not in source


def test_texts_given_to_a_part_are_escaped(make):
    source = make('{% include p a="<b> & c" %}', p="<p>{{ $a }}</p>")
    assert '"<p>&lt;b> &amp; c</p>"' in source


def test_static_files_have_the_name_of_their_content(make):
    assert re.search(r"/static/main-[0-9a-f]{16}\.css",
                     make('<link href="{% static main.css %}">'))


def test_errors_of_fields(make):
    source = make("{% if error old %}{% error old %}{% end %}")
    assert 'if (view_frame_error(frame, "old") != NULL) {' in source
