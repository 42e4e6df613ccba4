"""Settings of the documentation site: `./lab docs`. Nothing in it asks a network, and its search works from a file."""

project = "wattlab"
html_title = "wattlab"
html_theme = "furo"
html_show_copyright = False
html_copy_source = False
highlight_language = "text"
extensions = ["myst_parser"]
myst_heading_anchors = 4
exclude_patterns = ["build", "examples"]
