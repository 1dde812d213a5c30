"""What a stage gives the model that it builds."""

import gin
import numpy as np

from aim_keras.datasets import pipeline, planted
from aim_keras.models import LR, AutoEmb
from experiments import fitting, stage


def test_counts_go_to_the_models_that_take_them(tmp_path):
    builder = planted.builder(tmp_path, num_train=3000, num_valid=100, num_test=100)
    builder.download_and_prepare()
    job = fitting.Job(builder, batch_size=100, seed=0)
    with gin.unlock_config():  # A binary's test has locked it.
        configured = gin.external_configurable(AutoEmb, module="tests")
    logs = np.log1p(pipeline.counts(builder)["f0"])
    assert logs[0] == 0 < logs[1:].min()  # No row is out of vocabulary.
    for build_model in (AutoEmb, configured):
        model = stage.build(job, build_model, None, None)
        (popularity,) = model.get_layer("popularity").get_embeddings()
        np.testing.assert_allclose(popularity[0][:, 0], logs / logs.max(), rtol=1e-6)
    assert isinstance(stage.build(job, LR, None, None), LR)
