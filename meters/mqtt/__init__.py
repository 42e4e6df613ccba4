"""MQTT 3.1.1: any topic of a broker whose messages are numbers, or JSON with a power in it, over TCP or TLS.

Knows: to connect with user and password, to subscribe one topic at QoS 0, to stay connected; where in a message the
quantities stand. It publishes nothing, so that it can switch nothing.
Does not know: the device behind the broker, which no message of MQTT names: whoever may publish at the topic is read.

A retained message was published before anybody asked, perhaps long ago: it tells which quantities there are, and is no
reading. A stream that is none any more is left, and the broker connected to anew.

Sources: MQTT 3.1.1 (OASIS standard, 2014-10-29). Proved by mosquitto as broker and its clients on the emulator, and by
messages as the documentation of Tasmota, Zigbee2MQTT, ESPHome and Shelly prints them. Not proved: any device.
"""
