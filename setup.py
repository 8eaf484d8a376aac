"""Build step of the wheel: country data from `country/` goes in as `khana_country/<code>/`.

Everything else about the build stands in pyproject.toml; this file exists because package data
cannot be declared from a folder outside `src/`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithCountries(build_py):
    """The ordinary build of Python packages, then a copy of every country's YAML."""

    def run(self) -> None:
        """Build, then copy; an editable install reads `country/` where it lies."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "khana_country"
        for file in sorted(Path(__file__).parent.glob("country/*/*.yaml")):
            folder = target / file.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, folder / file.name)


setup(cmdclass={"build_py": BuildWithCountries})
