"""Frames come in, frames go out: the web side of a call.

Above: `app` opens it. Below: `calls`, whose lines it brings, and the carriers' codecs. Ignorant of
transcripts, prompts and who pays.
"""
