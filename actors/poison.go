package actors

import "github.com/asynkron/protoactor-go/actor"

// poisoned is an entity whose messages a test of panics sees first; see Config.poison.
type poisoned struct {
	*entity
	poison    func(actor string, message any)
	partition string
}

// poisonedProps is entityProps for such a test.
func poisonedProps(shared *shared, poison func(string, any), partition string) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &poisoned{&entity{shared: shared}, poison, partition} },
		actor.WithMailbox(newDirect))
}

func (p *poisoned) Receive(ctx actor.Context) {
	p.poison("entity of "+p.partition, ctx.Message())
	p.entity.Receive(ctx)
}
