"""How the documentation is built: `make docs`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes

from orchestra_client import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "orchestra-client"
author = "The orchestra-client founders"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"orchestra-client {release}"
html_show_copyright = False

# Headings are link targets, named as on GitHub, so that the same links work there.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# Docstrings are Google's; a name in single backticks is one of ours where there is such a one, and code elsewhere.
default_role = "py:obj"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Attributes as a list: those that are also members would be described twice.
napoleon_use_ivar = True
# Options begin with two dashes, and what is copied from a page is typed into a shell.
smartquotes = False
# A short name that two classes have, such as `Agent`, need not lead anywhere.
suppress_warnings = ["ref.python"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True

# What is copied from an example is the command, without its prompt and without what it printed.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True


def _is_plain_text(_app: object, _context: object, lines: list[str]) -> None:
    """Help texts are plain text: a star in them begins no emphasis, a backslash stands for itself."""
    lines[:] = [re.sub(r"\\|(?<!\*)\*(?!\*)", r"\\\g<0>", line) for line in lines]


def _mend_options(_app: object, _context: object, lines: list[str]) -> None:
    """Defaults are written as one types them, and left out where there is none; metavars keep their last bracket."""
    lines[:] = [
        re.sub(r"<([^<>\[]*\[[^<>\]]*)>$", r"<\1]>", re.sub(r"(:default: ``)'(.*)'``$", r"\1\2``", line))
        for line in lines
        if ":default: ``Sentinel." not in line
    ]


def _name_in_full(app: Sphinx, document: nodes.document) -> None:
    """Commands are headed by all of their names: `orchestra tenant trust add`, not `add`."""
    if app.env.docname != "reference/cli":
        return
    for section in document.findall(nodes.section):
        above = section.parent
        if isinstance(above, nodes.section) and above.parent is not document:
            title = f"{above[0].astext()} {section[0].astext()}"
            section[0].replace_self(nodes.title("", title))


def _dash_behind_names(_app: object, document: nodes.document) -> None:
    """What Sphinx writes between a parameter and its meaning is for the quotes that are off."""
    for text in [each for each in document.findall(nodes.Text) if each == " -- "]:
        text.parent.replace(text, nodes.Text(" – "))


def setup(app: Sphinx) -> None:
    """Connect what is changed on the way."""
    for part in ("description", "options", "arguments", "epilog"):
        app.connect(f"sphinx-click-process-{part}", _is_plain_text)
    app.connect("sphinx-click-process-options", _mend_options)
    # Before the tables of contents are made of the headings.
    app.connect("doctree-read", _name_in_full, priority=400)
    app.connect("doctree-read", _dash_behind_names)
