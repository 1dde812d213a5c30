"""An interaction function of your own, searched beside those of the package.

    python examples/own_interaction_function.py

`distance` is small where embeddings are alike, and has a weight for each interaction. It takes any
order: of three fields it is the distance to their mean.
"""

import keras
from clicks import VOCABULARY_SIZES, generate_clicks
from keras import ops

from aim_keras import read_gates
from aim_keras.layers import InteractionFunction, operands, register_interaction_function
from aim_keras.metrics import BinnedAUC
from aim_keras.models import FM
from aim_keras.optimizers import GRDA, with_gates

BATCH_SIZE, EPOCHS = 200, 3


def distance(embeddings, interactions, kernel):
    """`kappa_q sum_j sum_r (e_{q_r, j} - mean_r e_{q_r, j})^2`, before the sum over `j`."""
    of_fields = operands(embeddings, interactions)  # each (batch, interactions, dim)
    mean = sum(of_fields) / len(of_fields)
    return kernel * sum(ops.square(e - mean) for e in of_fields)


register_interaction_function(
    InteractionFunction(
        "distance",
        distance,
        kernel_shape=lambda num_interactions, order, dim: (num_interactions, 1),
    )
)


def main():
    keras.utils.set_random_seed(0)
    ids, labels = generate_clicks()
    functions = ("inner", "distance")
    model = FM(VOCABULARY_SIZES, search="interactions", functions=functions, embedding_dim=8)
    steps = EPOCHS * len(ids) // BATCH_SIZE
    model.compile(
        with_gates(
            weights=keras.optimizers.Adam(0.01),
            gates=GRDA(0.1, mu=0.6, target_threshold=0.9, total_steps=steps),
        ),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[BinnedAUC(from_logits=True)],
    )
    history = model.fit(ids, labels, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0).history
    architecture = read_gates(model)
    print(f"AUC {history['auc'][-1]:.4f} in the last epoch, kept: {architecture.units(2)}")
    return architecture, history["auc"][-1]


if __name__ == "__main__":
    main()
