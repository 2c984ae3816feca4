"""Muon (Jordan 2024; scaled as in arXiv 2502.16982): momentum, made orthogonal by five Newton-Schulz steps, for hidden matrices.

It needs about half the samples of Adam here, which is what two CPU cores have too few of. Everything else goes to AdamW. In a team each
process makes its share of the matrices orthogonal, which costs as much as twenty samples, and all of them add up what they made.
"""
import torch
import team
from training import BFLOAT16


def orthogonal(matrix):
    """The nearest matrix with equal singular values, roughly; bfloat16 is exact enough for it."""
    x = matrix.bfloat16() if BFLOAT16 else matrix.float()
    flip = x.shape[0] > x.shape[1]
    x = x.T if flip else x
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.T if flip else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr=1e-3, momentum=.95, weight_decay=.01):
        super().__init__(parameters, {'lr': lr, 'momentum': momentum, 'weight_decay': weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            updates = []
            for at, p in enumerate(group['params']):
                state = self.state[p]
                if not state:
                    state['momentum'] = torch.zeros_like(p)
                state['momentum'].lerp_(p.grad, 1 - group['momentum'])
                mine = at % team.size() == team.rank()
                updates.append(orthogonal(p.grad.lerp(state['momentum'], group['momentum'])) if mine else torch.zeros_like(p))
            team.summed(updates)
            for p, update in zip(group['params'], updates):
                p.mul_(1 - group['lr'] * group['weight_decay'])
                p.add_(update, alpha=-group['lr'] * .2 * max(p.shape) ** .5)


def split(network):
    """(hidden matrices, everything else): matrices inside `blocks` go to Muon."""
    hidden, rest = [], []
    for name, parameter in network.named_parameters():
        matrix = name.startswith('blocks.') and name.endswith('.weight') and parameter.ndim == 2
        (hidden if matrix else rest).append(parameter)
    return hidden, rest
