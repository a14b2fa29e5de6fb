"""Copies the files of a damaged store aside, before anything changes them, or moves them out of the way."""

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


def put_aside(store: Path, at: str) -> Path:
    """Move the files of a damaged store that is closed into a folder beside it, named by `at`; returns the folder.

    Where `keep_aside` has copied a file before the store was closed, that copy is kept, which may hold more. Raises
    OSError.
    """
    copies = store.with_name(f"{store.name}-damaged")
    aside = store.with_name(f"{copies.name}-{at}")
    if copies.is_dir():
        copies.rename(aside)
    aside.mkdir(exist_ok=True)
    for path in store.parent.glob(f"{store.name}*"):
        if path.is_file():
            path.unlink() if (aside / path.name).exists() else path.rename(aside / path.name)
    return aside
