"""mkdocs publishes only what lies in docs/. The pictures lie in images/, since the README shows them too."""

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Publish the pictures as images/… of the site."""
    for picture in sorted(Path(config.docs_dir).parent.joinpath("images").iterdir()):
        files.append(File.generated(config, f"images/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Link to them there; every page lies at the top of docs/."""
    return markdown.replace("](../images/", "](images/")
