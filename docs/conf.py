"""Settings of the documentation site: `sphinx-build docs BUILD`, or `./lab docs`. Nothing in it asks a network."""

project = "wattlab"
copyright = "the authors of wattlab, MIT licence"  # noqa: A001
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "wattlab"
myst_heading_anchors = 4
