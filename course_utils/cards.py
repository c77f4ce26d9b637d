"""Cards: a verdict, a sentence, what was measured. Claims and exercises share them.

Untrusted notebooks and GitHub strip `<style>`, GitHub inline styles as well: words and signs carry the verdict, and text keeps
the colour of the page, light or dark. Colours are hexadecimal, because JupyterLab drops others.
"""

import html
from dataclasses import asdict, dataclass

# sign, and colour behind white
PILLS = {"yes": ("✓", "#007A58"), "no": ("✗", "#B84D00"), "open": ("?", "#5F6368"), "none": ("·", "#5F6368")}
VERDICTS = {"supported": "yes", "not supported": "no", "inconclusive": "open"}
LEFT = "text-align:left;vertical-align:top;white-space:normal;padding:4px 10px 4px 0"


def card(word: str, kind: str, text: str, details: str = "") -> str:
    """HTML of one card.

    Args:
        word: the verdict, for the pill.
        kind: "yes", "no", "open" or "none" (nothing to judge yet): its sign and colour.
        text: plain text; its first line stands beside the pill, the others below.
        details: plain text to fold away; its first line is what one clicks.

    Returns:
        HTML with inline styles only, everything escaped.
    """
    first, *rest = html.escape(text).splitlines()
    lines = "".join(f"<div>{line}</div>" for line in rest)
    return f'<div style="margin:8px 0;line-height:1.7">{pill(word, kind)} {first}{lines}{_fold(details)}</div>'


def pill(word: str, kind: str) -> str:
    """HTML of a word and its sign, white on the colour of its kind ("yes", "no" or "open")."""
    sign, colour = PILLS[kind]
    style = f"background-color:{colour};color:#FFFFFF;border-radius:10px;padding:2px 10px;white-space:nowrap"
    return f'<strong style="{style}">{sign} {html.escape(word)}</strong>'


def _fold(details):
    if not details:
        return ""
    label, *lines = html.escape(details).splitlines()
    return f'<details><summary style="cursor:pointer">{label}</summary>{"<br>".join(lines)}</details>'


@dataclass(frozen=True)
class Claim:
    """One sentence, what was measured, and the verdict.

    Attributes:
        id: such as "04.2".
        statement: one sentence.
        verdict: "supported", "not supported" or "inconclusive".
        measured: both measured values, in words.
        source: of the statement.
        myth: the popular sentence that it corrects.
        myth_source: who says so.
        over: what the interval is over, such as "runs".
        n: how many of them.
        how: lines about the test: interval, margin, tolerance, control.

    Raises:
        ValueError: A verdict that is none.
    """

    id: str
    statement: str
    verdict: str
    measured: str
    source: str = ""
    myth: str = ""
    myth_source: str = ""
    over: str = ""
    n: int = 0
    how: tuple = ()

    def __post_init__(self):
        if self.verdict not in VERDICTS:
            raise ValueError(f"claim {self.id}: a verdict is one of {', '.join(VERDICTS)}, not {self.verdict!r}")

    def __repr__(self):
        note = "" if self.verdict == "supported" else "\n(the course's own run: supported)"
        measured = "\n".join([self.measured, *self.how])
        return f"{self.id} {self.verdict.upper()}: {self.statement}{note}\n⟨{measured}⟩"

    def _repr_html_(self):
        note = "" if self.verdict == "supported" else "\nThe course's own run, at the defaults, found this supported."
        text = f"{self.id}: {self.statement}\n{self.measured}{note}"
        source = [f"Source: {self.source}"] if self.source else []
        myth = [f"One often reads: “{self.myth}” ({self.myth_source})"] if self.myth else []
        lines = [*self.how, *source, *myth]
        details = "\n".join(["how this was measured", *lines]) if lines else ""
        return card(self.verdict.upper(), VERDICTS[self.verdict], text, details)

    def to_dict(self) -> dict:
        """What a run's record keeps of the claim."""
        return {name: value for name, value in asdict(self).items() if name != "how"}


def table(claims: list) -> str:
    """HTML of a table of claims: verdict, claim, measured, source."""
    rows = ["".join(f'<th style="{LEFT}">{name}</th>' for name in ("verdict", "claim", "measured", "source"))]
    for claim in claims:
        texts = (f"{claim.id}: {claim.statement}", claim.measured, claim.source)
        cells = [pill(claim.verdict.upper(), VERDICTS[claim.verdict]), *map(html.escape, texts)]
        rows.append("".join(f'<td style="{LEFT}">{cell}</td>' for cell in cells))
    return '<table style="border-collapse:collapse">' + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
