package coin

import (
	"errors"
	"fmt"
)

// ErrReward is returned for a height whose reward no rule gives.
var ErrReward = errors.New("reward is not known")

// tier is what blocks from one height on create, up to the next tier.
type tier struct {
	from    int64
	reward  Amount
	halving int64  // blocks after which the reward is halved again; 0 never
	unknown string // a sentence, where no rule gives the reward
}

// Reward returns what the block at height creates, without fees. A height below
// 0, and one whose reward was drawn by lot, gives [ErrReward] with the reason.
func (p *Params) Reward(height int64) (Amount, error) {
	if height < 0 {
		return 0, fmt.Errorf("%w: there is no block below 0", ErrReward)
	}
	t := p.emission[0]
	for _, next := range p.emission[1:] {
		if next.from > height {
			break
		}
		t = next
	}
	switch {
	case t.unknown != "":
		return 0, fmt.Errorf("%w: %s", ErrReward, t.unknown)
	case t.halving == 0:
		return t.reward, nil
	}
	halvings := (height - t.from) / t.halving
	if halvings > 62 {
		return 0, nil
	}
	return t.reward >> halvings, nil
}

// NextReward returns the first height after height at which the reward is
// another, and false if it never changes again.
func (p *Params) NextReward(height int64) (int64, bool) {
	height = max(height, 0)
	for i, t := range p.emission {
		end := int64(-1)
		if i+1 < len(p.emission) {
			end = p.emission[i+1].from
		}
		if end >= 0 && height >= end {
			continue
		}
		if t.halving > 0 {
			halvings := (height - t.from) / t.halving
			at := t.from + (halvings+1)*t.halving
			if halvings < 62 && t.reward>>halvings > 0 && (end < 0 || at < end) {
				return at, true
			}
		}
		return end, end >= 0
	}
	return 0, false
}
