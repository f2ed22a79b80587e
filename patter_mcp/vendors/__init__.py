"""What adapters to speech vendors share: where the key and the address come from, how failures are named.

Above: `stt` and `tts`, one vendor per file. Below: `websocket`. Knows no vendor.
"""
