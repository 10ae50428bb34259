"""Updates of model cards that people edited: their text stays, and the results are new."""

import hashlib

import yaml
from huggingface_hub import ModelCard

# A generated body ends in its own digest, which tells whether anyone has edited it since.
_MARK = "\n<!-- Written by keras_resblocks_plugin, digest {}. An edited card is kept. -->\n"


def sign(text: str) -> str:
    """Ends the generated body of a card in the mark by which `renewed` knows it."""
    text = text.rstrip() + "\n"
    return text + _MARK.format(hashlib.sha256(text.encode()).hexdigest()[:16])


def renewed(old: bytes, new: ModelCard) -> str:
    """The text of a card with the results of `new`, and the text of `old` if that was edited.

    The metadata of `old` stays, with the results of `new` in it, and the keys that it
    lacked. Results that `new` does not have, on other data for instance, stay.

    Args:
        old: The content of the card so far.
        new: The card that is generated now.

    Raises:
        ValueError: If `old` is not UTF-8, or its metadata cannot be read.
    """
    try:
        text = old.decode("utf-8")
        card = ModelCard(text, ignore_metadata_errors=True)
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            "The card that is there already, README.md, must be UTF-8 and begin with metadata in "
            f"YAML. Fix it, or pass `overwrite_card=True`. Received: {reason}"
        ) from None
    body, metadata = card.text, card.data.to_dict()
    if not _is_edited(body):
        card.text = new.text
    results = list(card.data.eval_results or [])
    for result in new.data.eval_results or []:
        same = [i for i, known in enumerate(results) if known.is_equal_except_value(result)]
        if same:
            results[same[0]] = result
        else:
            results.append(result)
    for key, value in vars(new.data).items():
        if card.data.get(key) is None:
            card.data[key] = value
    card.data.eval_results = results or None
    # The name that the results are listed by.
    card.data.model_name = new.data.model_name or card.data.model_name
    if card.text == body and card.data.to_dict() == metadata:
        return text
    return str(card)


def _is_edited(text: str) -> bool:
    text = text.replace("\r\n", "\n").rstrip() + "\n"
    return text != sign(text.rpartition(_MARK.split("{}")[0])[0])
