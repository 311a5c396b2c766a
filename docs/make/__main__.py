"""The reference in docs/, made from the tables that the program itself reads.

``python docs/make`` writes it; ``python docs/make --check`` writes nothing and fails where a page
is not as it would be written.
"""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(DOCS.parent / "tests"))  # the worked patients


def pages() -> dict[str, str]:
    """Text of each page by its file's name."""
    import data_dictionary
    import endpoints_page
    import her2_page
    import sources_page
    import study_file_page

    return {
        "data_dictionary.md": data_dictionary.text(),
        "her2_rules.md": her2_page.text(),
        "endpoints.md": endpoints_page.text(),
        "sources.md": sources_page.text(),
        "study_file.md": study_file_page.text(),
    }


def main(arguments: list[str]) -> int:
    """Write the pages, or say which differ; the exit code."""
    wrong = []
    for name, text in pages().items():
        path = DOCS / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        wrong.append(name)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    verb = "differs from its tables: run make docs" if "--check" in arguments else "written"
    sys.stdout.writelines(f"docs/{name} {verb}\n" for name in wrong)
    return 1 if wrong and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
