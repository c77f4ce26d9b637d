"""Text as tensors of character codes."""

import torch


def python_docs():
    """The prose of Python's own manual (its language-reference topics, in the standard library), about 460,000
    characters; the exact text depends on the Python version."""
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics))


def encode(text):
    """Character codes of a text, int64 (n,), and the sorted list of its characters (code i is characters[i])."""
    characters = sorted(set(text))
    index = {c: i for i, c in enumerate(characters)}
    return torch.tensor([index[c] for c in text]), characters


def cut_windows(codes, n, seed, context=64):
    """n random windows x (n, context) of `codes`, and y (n, context): the character that follows each position.

    Raises ValueError if the text is shorter than one window.
    """
    if len(codes) <= context:
        raise ValueError(f"the text (or its share for one split) has {len(codes)} characters: {context + 1} or more are needed")
    starts = torch.randint(len(codes) - context, (n, 1), generator=torch.Generator().manual_seed(seed))
    window = codes[starts + torch.arange(context + 1)]
    return window[:, :-1].contiguous(), window[:, 1:].contiguous()
