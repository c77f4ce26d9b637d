"""Text as tensors of character codes: Python's own manual, or a file of yours."""

import torch


def python_docs(sizes, seed):
    """The prose of Python's own manual (its language-reference topics, in the standard library), about 460,000
    characters; the exact text depends on the Python version."""
    from pydoc_data.topics import topics

    return split_text("\n".join(topics[name] for name in sorted(topics)), sizes, seed)


def text_file(sizes, seed, path):
    """A text file in UTF-8."""
    try:
        return split_text(path.read_text(encoding="utf-8"), sizes, seed)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text in UTF-8 ({error}): convert it, or give an image folder") from None


def split_text(text, sizes, seed):
    """Windows from three separate stretches of a text, the first 80 %, the next 10 %, the last 10 %; and its characters."""
    codes, characters = encode(text)
    ends = [0, int(0.8 * len(codes)), int(0.9 * len(codes)), len(codes)]
    stretches = [codes[a:b] for a, b in zip(ends, ends[1:], strict=False)]
    return [cut_windows(s, n, seed) for s, n in zip(stretches, sizes, strict=True)], characters


def encode(text):
    """Character codes of a text, int64 (n,), and the sorted list of its characters (code i is characters[i])."""
    characters = sorted(set(text))
    index = {c: i for i, c in enumerate(characters)}
    return torch.tensor([index[c] for c in text]), characters


def cut_windows(codes, n, seed, context=64):
    """n random windows x (n, context) of `codes`, and y (n, context): the character that follows each position. Window i
    of a seed does not depend on n. Raises ValueError if the text is shorter than one window."""
    if len(codes) <= context:
        raise ValueError(f"the text (or its share for one split) has {len(codes)} characters: {context + 1} or more are needed")
    starts = torch.randint(len(codes) - context, (n, 1), generator=torch.Generator().manual_seed(seed))
    window = codes[starts + torch.arange(context + 1)]
    return window[:, :-1].contiguous(), window[:, 1:].contiguous()
