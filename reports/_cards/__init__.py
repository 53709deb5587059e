"""What do cards say of networks and of data? See `model_card.py` and `data_card.py`."""
