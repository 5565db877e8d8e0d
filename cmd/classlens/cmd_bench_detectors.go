package main

import (
	"context"
)

func (b *trackBench) compare(ctx context.Context, paths []string) error { return nil }
