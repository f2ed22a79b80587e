"""What adapters to vendors share: keys and addresses, how failures are called, how a connection is made again.

Above: `stt`, `llm`, `tts` and `realtime`, one vendor per file. Below: `websocket`. Knows no vendor.
"""
