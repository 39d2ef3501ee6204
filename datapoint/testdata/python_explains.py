"""What Python's msgpack packs for the explained anomaly of explain_test.go."""

import msgpack

datapoint = {'timestamp': 1700000000, 'scope': 'AS2497', 'asn': 'AS4657',
             'hege': 0.25, 'nb_peers': 12, 'tags': [1, None, {'a': True}]}
explain = {'id': '0123456789abcdef0123456789abcdef', 'usual': 0.25, 'scale': 0.1, 'threshold': 5.0,
           'low': -0.25, 'high': 0.75, 'points': 250, 'points_needed': 173, 'points_full': 288,
           'window_start': 1700000000000, 'window_end': 1700258300000, 'history_hours': 72.0}
packed = msgpack.packb({'datapoint': datapoint, 'deviation': -7.5, 'explain': explain})
assert list(msgpack.unpackb(packed)['explain']) == list(explain)
print(packed.hex())
