#!/usr/bin/env bash
exec java -Dlog4j2.level=WARN -cp '/opt/kafka/libs/*' org.apache.kafka.tools.TopicCommand "$@"
