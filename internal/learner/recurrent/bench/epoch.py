# One epoch of a one-layer LSTM a line of standard input; answers with wall and CPU seconds.
import sys, time
import torch

torch.set_num_threads(1)
torch.manual_seed(1)
rows, steps, inputs, hidden, batch = map(int, sys.argv[1:])
x, y = torch.randn(rows, steps, inputs), torch.randint(0, 2, (rows,)).float()
lstm, head = torch.nn.LSTM(inputs, hidden, batch_first=True), torch.nn.Linear(hidden, 1)
adam = torch.optim.Adam([*lstm.parameters(), *head.parameters()], 1e-3)
loss = torch.nn.BCEWithLogitsLoss()
for _ in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    for at in range(0, rows, batch):
        adam.zero_grad()
        states, _ = lstm(x[at:at + batch])
        loss(head(states[:, -1]).squeeze(1), y[at:at + batch]).backward()
        adam.step()
    print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)
