// Command broker is an embedded broker on a fixed port, for the test of the packages. It keeps its
// records until it ends.
//
//	broker PORT TOPIC PARTITIONS
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "broker:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 3 {
		return errors.New("usage: broker PORT TOPIC PARTITIONS")
	}
	port, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	partitions, err := strconv.ParseInt(arguments[2], 10, 32)
	if err != nil {
		return err
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(int32(partitions), arguments[1]),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		return err
	}
	defer cluster.Close()
	fmt.Println("listening on", cluster.ListenAddrs())
	select {}
}
