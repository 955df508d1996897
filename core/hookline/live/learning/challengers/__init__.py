"""How a challenger is made: which rows it may learn, and by a run or by a champion that learns on."""
