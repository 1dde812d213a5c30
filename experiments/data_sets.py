"""Opening and preparing the data set that a configuration names."""

import inspect

import tensorflow_datasets as tfds

from experiments.gin_values import making


def open_data(dataset, raw_dir=None, data_dir="data"):
    """The builder of a data set, whose arguments are those of `run`.

    Raises:
        ValueError: if it is given raw files and reads none.
    """
    folders = {"raw_dir": raw_dir, "data_dir": data_dir}
    folders = {name: path for name, path in folders.items() if path is not None}
    if unread := set(folders) - set(inspect.signature(dataset).parameters):
        raise ValueError(
            f"The data set of this configuration is generated: it reads no {', '.join(unread)}. "
            f"Received: {folders}"
        )
    with making(dataset):
        return dataset(**folders)


def prepare(builder, beam_pipeline_options=None):
    """Prepares a data set, by Apache Beam where options of it are given.

    Raises:
        ImportError: if Apache Beam is asked for and absent.
    """
    builder.download_and_prepare(download_config=_download_config(beam_pipeline_options))


def _download_config(beam_pipeline_options):
    if beam_pipeline_options is None:
        return None
    try:
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise ImportError(
            "beam_pipeline_options need Apache Beam, pip install 'aim_keras[beam]'. "
            f"Received: {beam_pipeline_options}, {error}"
        ) from error
    flags = [f"--{option}" for option in beam_pipeline_options]
    return tfds.download.DownloadConfig(beam_options=PipelineOptions(flags))
