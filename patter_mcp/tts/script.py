"""An utterance's text: what of it the vendor has been given, and what it has spoken."""

from __future__ import annotations


class Script:
    """Pieces are joined by a space where they bring none; offsets count characters of the joined text."""

    def __init__(self) -> None:
        self.text = ""
        self.sent = 0
        self.spoken = 0
        self.exact = True
        """No audio has come beyond `spoken`: what is left could be said by somebody else."""

    def add(self, piece: str) -> None:
        joint = " " if self.text and not self.text[-1].isspace() and not piece[:1].isspace() else ""
        self.text += joint + piece

    @property
    def has_unsent(self) -> bool:
        return not self.text[self.sent :].isspace() and self.sent < len(self.text)

    def take_unsent(self) -> str:
        """What the vendor has not been given, without space around it; from now on it counts as given."""
        text = self.text[self.sent :].strip()
        self.sent = len(self.text)
        return text

    def speak(self, count: int) -> int:
        """`count` more characters have been spoken, white space not counted: vendors add and drop it at will."""
        while count > 0 and self.spoken < len(self.text):
            count -= not self.text[self.spoken].isspace()
            self.spoken += 1
        return self.spoken

    def rewind(self) -> None:
        """What was not spoken is to be given to the vendor again, from the start of the word that was cut."""
        while 0 < self.spoken < len(self.text) and not self.text[self.spoken - 1].isspace():
            if self.text[self.spoken].isspace():
                break
            self.spoken -= 1
        self.sent = self.spoken
