"""Files of datasets: taken from Keras's cache, or else downloaded into it once."""

from __future__ import annotations

from scratchnn.utils.files import cache_folder, get_file

STORAGE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def fetch(name: str, origin: str, file_hash: str, extract: bool = False) -> str:
    """Return the path of a dataset's file, checked by its hash.

    Arguments:
        name: the name in `$KERAS_HOME`/datasets (~/.keras/datasets), without a folder; with
            `extract`, the name of the folder there.
        origin: the URL it is downloaded from unless the cache has it.
        file_hash: its sha256 or md5.
        extract: unpack the archive, and return the folder.

    Raises:
        OSError: if the file is not in the cache and cannot be downloaded.
        ValueError: if the downloaded file is not the true one; it is not kept.
    """
    try:
        return get_file(name, origin, file_hash=file_hash, extract=extract)
    except OSError as error:
        kept = f"{name}_archive" if extract else name
        raise OSError(
            f"{error} The file is not on this machine. Without a network: put {origin} into the "
            f"folder {cache_folder()}, under the name {kept}."
        ) from error
