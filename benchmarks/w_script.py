"""What a good engineer writes by hand for table W: pandas and scikit-learn."""

from __future__ import annotations

import sys

import joblib
from w_parts import clean, judge, read, split, train

path, out, *more = sys.argv[1:]
X_train, X_test, y_train, y_test = split(clean(read(path)))
model = train(X_train, y_train, C=float(more[0]) if more else 1.0)
print(judge(model, X_test, y_test))
joblib.dump(model, out)
