"""What adapters to speech vendors share: names, keys and addresses, and how failures are called.

Above: `stt` and `tts`, one vendor per file. Below: `websocket`. Knows no vendor.
"""
