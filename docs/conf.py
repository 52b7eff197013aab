"""Settings of the documentation site: ``python -m sphinx -W docs build/docs``."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The site describes this checkout, whatever is installed, and has one extension of its own.
sys.path[:0] = [str(HERE.parent), str(HERE)]

project = "SepPrune Live"
author = "SepPrune Live contributors"
copyright = author  # Sphinx asks for this name

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "command_options"]
html_theme = "furo"
html_title = project
html_logo = "../assets/icon.svg"
smartquotes = False  # it would turn the -- of options into a dash

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Docstrings are in Google's style, with one section more: the shapes of tensors and arrays.
napoleon_custom_sections = [("Shape", "notes_style")]
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
# The site must build where no audio library and no window system is installed.
autodoc_mock_imports = ["sounddevice", "PyQt6", "pyqtgraph"]
