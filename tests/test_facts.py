"""Facts of PyTorch and scikit-learn that lessons rely on and print, each with the variant that must fail."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet, Lasso
from torch import nn
from torch.nn import functional

from course_utils.dropout import Dropout
from course_utils.measure import sparsity
from course_utils.models import mlp

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


# Lesson 07 and its dives: norms


def test_batchnorm_in_train_mode_depends_on_the_company_and_on_nothing_else():
    layer, x = nn.BatchNorm1d(5).double(), torch.randn(8, 5).double()
    assert torch.equal(layer(x), layer(x))
    others = torch.cat([x[:1], torch.randn(7, 5).double()])
    assert (layer(others)[0] - layer(x)[0]).abs().max() > 0.05
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer(x[:1])
    assert layer.eval()(x[:1]).isfinite().all()


def test_batchnorm_normalizes_by_the_biased_variance_and_remembers_the_unbiased_one():
    layer, x = nn.BatchNorm1d(5, momentum=1.0, eps=1e-20).double(), torch.randn(8, 5).double()
    by_hand = [(x - x.mean(0)) / x.var(0, correction=correction).sqrt() for correction in (0, 1)]
    assert torch.allclose(layer(x), by_hand[0], atol=1e-12)
    assert (layer(x) - by_hand[1]).abs().max() > 0.05
    assert torch.allclose(layer.running_var, x.var(0), atol=1e-12)
    assert not torch.allclose(layer.running_var, x.var(0, correction=0), atol=1e-2)


def test_layernorm_is_rmsnorm_of_the_centred_row():
    x, eps = torch.randn(6, 12).double() + 3, 0.3
    centred = x - x.mean(1, keepdim=True)
    layer = functional.layer_norm(x, (12,), eps=eps)
    assert torch.allclose(layer, functional.rms_norm(centred, (12,), eps=eps), atol=1e-12)
    assert torch.allclose(layer, centred / (x.var(1, keepdim=True, correction=0) + eps).sqrt(), atol=1e-12)
    assert not torch.allclose(layer, centred / (x.std(1, keepdim=True, correction=0) + eps), atol=1e-2), "eps outside the root"
    assert not torch.allclose(layer, centred / (x.var(1, keepdim=True) + eps).sqrt(), atol=1e-2), "unbiased"
    assert not torch.allclose(functional.rms_norm(x, (12,), eps=eps), layer, atol=1e-2), "the mean is left in"


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_batchnorm_behind_dropout_has_variance_one_minus_p_after_eval(p):
    drop, norm, x = Dropout(p), nn.BatchNorm1d(20, momentum=None), torch.randn(20_000, 20)
    for part in x.split(2000):
        norm(drop(part))
    assert norm.eval()(drop.eval()(x)).var().item() == pytest.approx(1 - p, abs=0.01)
    before = nn.BatchNorm1d(20, momentum=None)
    for part in x.split(2000):
        drop.train()(before(part))
    assert drop.eval()(before.eval()(x)).var().item() == pytest.approx(1, abs=0.01)


def test_weights_in_front_of_a_norm_have_a_scale_that_does_not_matter():
    x, w = torch.randn(64, 10).double(), torch.randn(5, 10).double()

    def loss_and_gradient(w, eps=1e-20):
        w = w.clone().requires_grad_()
        loss = functional.batch_norm(x @ w.T, None, None, training=True, eps=eps)[:, 0].relu().square().mean()
        return loss.item(), torch.autograd.grad(loss, w)[0]

    (loss, gradient), (scaled_loss, scaled_gradient) = loss_and_gradient(w), loss_and_gradient(4 * w)
    assert scaled_loss == pytest.approx(loss, abs=1e-12)
    assert torch.allclose(4 * scaled_gradient, gradient, atol=1e-12)
    assert (w * gradient).sum().abs() < 1e-12
    with_eps = [loss_and_gradient(a * w, eps=1.0)[0] for a in (1, 4)]
    assert abs(with_eps[0] - with_eps[1]) > 1e-3, "with a large eps it does"


# Lesson 06 and its dives: zeros


def soft(b, t):
    return np.sign(b) * np.maximum(np.abs(b) - t, 0)


def lasso_data(n=120, p=22):
    x = RNG.normal(size=(n, p))
    return x, x[:, :4] @ [2.0, -1.5, 1.0, 0.5] + RNG.normal(size=n)


def test_proximal_steps_reach_the_lasso_with_its_zeros_and_subgradients_reach_none():
    x, y = lasso_data()
    strength, lr = 0.3, len(x) / np.linalg.eigvalsh(x.T @ x)[-1]
    by_soft, by_slope = np.zeros(x.shape[1]), np.full(x.shape[1], 0.01)
    for _ in range(4000):
        by_soft = soft(by_soft - lr * x.T @ (x @ by_soft - y) / len(x), lr * strength)
        by_slope = by_slope - lr * (x.T @ (x @ by_slope - y) / len(x) + strength * np.sign(by_slope))
    oracle = Lasso(alpha=strength, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(x, y).coef_
    pull = x.T @ (y - x @ by_soft) / len(x)
    assert np.allclose(by_soft, oracle, atol=1e-10)
    assert np.allclose(pull[by_soft != 0], strength * np.sign(by_soft[by_soft != 0]), atol=1e-10)
    assert (np.abs(pull[by_soft == 0]) <= strength + 1e-10).all()
    assert (by_soft == 0).sum() >= 10
    assert (by_slope == 0).sum() == 0


def test_on_orthonormal_columns_l1_subtracts_and_l2_divides():
    x, y = lasso_data()
    q = np.linalg.qr(x)[0] * len(x) ** 0.5
    b = q.T @ y / len(x)
    by_l1 = Lasso(alpha=0.2, fit_intercept=False, tol=1e-14).fit(q, y).coef_
    by_l2 = np.linalg.solve(q.T @ q / len(x) + 0.2 * np.eye(q.shape[1]), b)
    assert np.allclose(by_l1, soft(b, 0.2), atol=1e-8)
    assert np.allclose(by_l2, b / 1.2, atol=1e-12)
    assert not np.allclose(by_l1, b / 1.2, atol=1e-2)


def test_between_copies_the_lasso_takes_sides_and_the_elastic_net_shares():
    x, y = lasso_data()
    twins = np.c_[x[:, :1], x[:, :1], x[:, 1:4]]
    first = Lasso(alpha=0.1, tol=1e-12).fit(twins, y).coef_
    turned = Lasso(alpha=0.1, tol=1e-12).fit(twins[:, [1, 0, 2, 3, 4]], y).coef_
    net = ElasticNet(alpha=0.1, l1_ratio=0.5, tol=1e-14, max_iter=100_000).fit(twins, y).coef_
    assert abs(first[0] - first[1]) > 1
    assert np.allclose(first, turned), "the first of the columns wins, whichever twin stands there"
    assert net[0] == pytest.approx(net[1], abs=1e-8)


def test_small_weights_can_be_had_without_changing_the_function():
    network, x = mlp(n_inputs=20, n_hidden=(64,), n_outputs=5).double(), torch.randn(30, 20).double()
    before, output = sparsity(network, 1e-3), network(x)
    with torch.no_grad():
        network[1].weight.mul_(2.0**-13)
        network[1].bias.mul_(2.0**-13)
        network[4].weight.mul_(2.0**13)
    assert torch.allclose(network(x), output, rtol=1e-12, atol=0)
    assert before < 0.05 < 0.75 < sparsity(network, 1e-3)


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_half_a_matrix_of_zeros_is_larger_in_sparse_formats():
    w = torch.where(torch.rand(512, 512) < 0.478, 0, torch.randn(512, 512))
    csr, coo = w.to_sparse_csr(), w.to_sparse_coo().coalesce()
    parts = {
        "csr": (csr.values(), csr.col_indices(), csr.crow_indices()),
        "coo": (coo.values(), coo.indices()),
    }
    share = {name: sum(t.nbytes for t in tensors) / w.nbytes for name, tensors in parts.items()}
    bits = (np.packbits(w.numpy() != 0).nbytes + w[w != 0].nbytes) / w.nbytes
    assert share["csr"] == pytest.approx(1.57, abs=0.02)
    assert share["coo"] == pytest.approx(2.61, abs=0.02)
    assert bits == pytest.approx(0.55, abs=0.01)


# Lessons 08 and 10: batches and tables


def test_the_variance_of_a_gradient_falls_with_one_over_the_batch():
    x, y, w = torch.randn(2000, 8).double(), torch.randn(2000).double(), torch.randn(8).double()
    each = x * (x @ w - y)[:, None]
    total = {}
    for size in (8, 32, 128):
        batches = torch.stack([each[torch.randint(len(x), (size,))].mean(0) for _ in range(4000)])
        total[size] = size * batches.var(0).sum().item()
    assert max(total.values()) / min(total.values()) < 1.1
    assert max(total.values()) / each.var(0).sum().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("a", "b", "z"), [(0.801, 0.793, 1.41), (0.801, 0.773, 4.84)])
def test_standard_errors_between_rows_of_the_sources_table_on_separate_images(a, b, z):
    assert (a - b) / ((a * (1 - a) + b * (1 - b)) / 10_000) ** 0.5 == pytest.approx(z, abs=0.01)
