"""Copies the files of a damaged store aside, before anything changes them."""

import shutil
from pathlib import Path


def keep_aside(store: Path, label: str) -> str:
    """Copy the files of a store into a folder beside it, once; returns a sentence that says where.

    Call it before a damaged store is closed: closing drops what SQLite could not read of the `-wal`.
    """
    kept = store.with_name(f"{store.name}-{label}")
    sentence = f"The files as they were are in {kept}"
    if kept.exists():
        return sentence
    unfinished = kept.with_name(f"{kept.name}-unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for path in store.parent.glob(f"{store.name}*"):
            if path.is_file():
                shutil.copy2(path, unfinished)
        unfinished.rename(kept)
    except OSError as error:
        return f"The files can't be copied to {kept}: {error.strerror}"
    return sentence
