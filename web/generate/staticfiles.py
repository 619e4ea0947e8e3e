"""Static files as a C table: under names that change with their content, plain
and compressed."""

import argparse
import hashlib
import pathlib
import sys
import zlib

TYPES = {".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml"}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def address(path):
    return f"/static/{path.stem}-{digest(path)}{path.suffix}"


def compress(data):
    """The same bytes whenever they are made: no time, no name."""
    maker = zlib.compressobj(9, zlib.DEFLATED, 31)
    return maker.compress(data) + maker.flush()


def c_bytes(name, data):
    lines = [f"static const unsigned char {name}[] = {{"]
    for start in range(0, len(data), 16):
        lines.append("\t" + " ".join(
            f"{byte}," for byte in data[start:start + 16]))
    return lines + ["};", ""]


def source(paths):
    lines = ["/* Generated from the static files. */",
             '#include "static-files.h"', ""]
    table = []
    for path in paths:
        if path.suffix not in TYPES:
            sys.exit(f"{path}:1: no content type is known for {path.suffix}")
        data = path.read_bytes()
        packed = compress(data)
        name = path.name.replace(".", "_").replace("-", "_")
        lines += c_bytes(name, data) + c_bytes(name + "_gz", packed)
        table += [f'\t{{ "{address(path)}", "{TYPES[path.suffix]}",',
                  f"\t  {name}, sizeof({name}),",
                  f"\t  {name}_gz, sizeof({name}_gz),",
                  f'\t  "W/\\"{digest(path)}\\"" }},']
    lines += ["const struct static_file static_files[] = {", *table, "};",
              "const unsigned int static_files_count = "
              f"{len(paths)};"]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    args.source.write_text(source(sorted(args.files)))


if __name__ == "__main__":
    main()
