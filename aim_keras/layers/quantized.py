"""What is not saved of a quantized layer."""


def refuse_quantized(saved, layers):
    """Refuses to save what would not load: parts whose configuration has no quantization.

    Args:
        saved: The layer or the model that is saved.
        layers: Its layers.

    Raises:
        ValueError: if one of them is quantized.
    """
    if quantized := [layer.path for layer in layers if getattr(layer, "quantization_mode", None)]:
        raise ValueError(
            "A quantized model can be exported, but not saved: save it before `quantize`. "
            f"Received: {saved.name}, whose layers {quantized} are quantized"
        )
