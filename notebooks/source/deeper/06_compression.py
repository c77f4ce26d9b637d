# %% [markdown]
# # Deep dive 06 · Compression
#
# **What is a sparse network worth in bytes and milliseconds?**
#
# A network that reads digits shall move into a small device. Lesson 06 deleted nine of ten weights, and it read on. Save it:
# the file is as large as before. Run it: it is as slow as before. A zero is a number like any other.
#
# So which zeros are worth something? Below, two ways to leave one weight in ten.
#
# *{minutes} minutes. You need lesson 06. One question to warm up:*
#
# <details><summary>What does CSR store?</summary>
# The numbers that are not zero, the column of each, and where each row begins.</details>

# %% tags=["parameters"]
seed: int = 0  # [0, 1000000] seed of every random draw; runs use seed, seed + 1, ...
n_runs: int = 5  # [3, 32] training runs
width: int = 256  # [64, 1024] units in each hidden layer
small: list = [16, 32, 64]  # 2 to 5 rising whole numbers in [4, 64]: units to keep in each hidden layer
epochs: int = 30  # [2, 500] passes over the training digits
lr: float = 1e-3  # (0, 0.1) learning rate of Adam
lr_on: float = 4e-3  # (0, 0.1) its learning rate when it trains on after a cut
n_rounds: int = 15  # [5, 200] rounds of timing
device: str = "cpu"  # {"cpu", "cuda"} where networks are trained; bytes and times are the CPU's

# %% tags=["fold"]
# imports, digits, trained networks, scores on test digits
import io
import time
import warnings
import zlib
from copy import deepcopy

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.ticker import MultipleLocator, PercentFormatter
from torch import nn
from torch.nn.utils import prune

from course_utils.checks.deeper import d06_compression as checks
from course_utils.claims import Claims
from course_utils.data import load
from course_utils.figures import show, use_course_style
from course_utils.measure import accuracy
from course_utils.models import mlp
from course_utils.parameters import check_parameters
from course_utils.stacked import train_runs
from course_utils.statistics import mean_and_interval
from course_utils.training import fit

torch.set_num_threads(1)
warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
use_course_style()
parameters = check_parameters(In, globals())
claims = Claims("06.compression")
digits = load("digits", seed=seed, device=device)
train, val, test = digits.train, digits.val, digits.test
seeds = range(seed, seed + n_runs)


def build(n=width):
    return mlp(n_inputs=64, n_hidden=(n, n), n_outputs=10)


def train_all(n, epochs, lr):
    runs = [{"seed": s, "optimizer": torch.optim.Adam, "lr": lr} for s in seeds]
    return train_runs(lambda: build(n), train, val, runs, epochs=epochs, batch_size=32, evaluate_every=epochs)[1]


def linear(network):
    return [layer for layer in network if isinstance(layer, nn.Linear)]


def n_weights(n):
    return 64 * n + n * n + 10 * n


@torch.no_grad()
def scores(networks):
    return np.array([accuracy(network.eval()(test[0]), test[1]) for network in networks])


def keep_largest(w, share):
    """w with its largest `share` of numbers, the others zero; share 0.5 of a NumPy array, say."""
    return np.where(np.abs(w) > np.quantile(np.abs(w), 1 - share), w, np.float32(0))


whole = train_all(width, epochs, lr)
w = linear(whole[0])[1].weight.detach().cpu().numpy()  # the middle layer of the first run

# %% tags=["fold"]
# the situation: a tenth of the weights, scattered, and as whole units
scattered = keep_largest(w, 0.1) != 0
rows, columns = (np.sort(np.argsort(-np.linalg.norm(w, axis=axis))[: round(0.1**0.5 * width)]) for axis in (1, 0))
block = np.zeros_like(scattered)
block[np.ix_(rows, columns)] = True
fig, axes = plt.subplots(1, 2, figsize=(8.0, 3.9))
for ax, mask, title in zip(axes, (scattered, block), ("scattered: the largest weights", "whole units: rows and columns")):
    ax.imshow(mask, cmap="Greys", interpolation="none")
    ax.set(title=title, xlabel="unit of the first layer")
    ax.grid(False)
axes[0].set_ylabel("unit of the second layer")
show(
    fig,
    alt="Two square pictures of a layer's weights, those that stay black: left dots everywhere, right a lattice of lines.",
    reading=f"The middle layer, {width} × {width}. Left {scattered.mean():.1%} of its weights stay, right {block.mean():.1%}: "
    f"there what stays is a matrix of {len(rows)} × {len(columns)}, once one moves it together.",
)

# %% [markdown]
# ## 1 · Bytes
#
# Scattered zeros can be left out, if one notes where they were. COO notes row and column of every number, CSR its column. Another
# way spends one **bit** for every place, zero or not, and then lists the numbers:


# %%
def pack(w):
    stays = w != 0
    return np.packbits(stays), w[stays]  # eight places a byte; numbers, row after row


# %% [markdown]
# ### Exercise 1 · Unpack
#
# Write the way back. `bits` and `values` come from `pack`, `shape` is that of the array.
#
# <details><summary>Hint 1</summary>np.unpackbits gives zeros and ones, padded to whole bytes: cut off what is too much.</details>
# <details><summary>Hint 2</summary>Make zeros of the right shape, and assign the values to the places that a Boolean array
# marks.</details>


# %% tags=["stub"]
def unpack(bits, values, shape): ...


checks.check_1(unpack)


# %% tags=["solution"]
def unpack(bits, values, shape):
    w = np.zeros(shape, values.dtype)
    stays = np.unpackbits(bits)[: w.size].astype(bool)
    w[stays.reshape(shape)] = values
    return w


checks.check_1(unpack)

# %% [markdown]
# **Predict.** Half of the weights are zero. How large is the layer in PyTorch's CSR, of the dense one's bytes? In your format?

# %%
prediction = None  # two percentages: (CSR, bits)


# %% tags=["fold"]
# yours where it passed, ours otherwise: is the layer the same after packing? Then bytes by format and share of zeros
def our_unpack(bits, values, shape):
    w = np.zeros(shape, values.dtype)
    w[np.unpackbits(bits)[: w.size].astype(bool).reshape(shape)] = values
    return w


passed = checks.check_1(unpack).startswith("passed")
restore = unpack if passed else our_unpack


def nbytes(*arrays):
    return sum(a.nbytes for a in arrays)


def coo(w):
    t = torch.from_numpy(w).to_sparse_coo()
    return nbytes(t.indices(), t.values())


def csr(w):
    t = torch.from_numpy(w).to_sparse_csr()
    return nbytes(t.crow_indices(), t.col_indices(), t.values())


def two_of_four(w):
    """The two largest of every four in a row, and two bits that say which, for each of them."""
    groups = np.abs(w).reshape(-1, 4).argsort(1)[:, 2:]
    bits = np.packbits(np.stack([groups // 2, groups % 2], -1).astype(bool))
    return nbytes(bits, np.take_along_axis(w.reshape(-1, 4), groups, 1))


formats = {
    "COO": coo,
    "CSR": csr,
    "bits and numbers": lambda w: nbytes(*pack(w)),
    "dense, zipped": lambda w: len(zlib.compress(w)),
}
zeros = np.array([0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98])
cuts = {z: keep_largest(w, 1 - z) if z else w for z in zeros}
size = {name: np.array([count(cuts[z]) / w.nbytes for z in zeros]) for name, count in formats.items()}
same = all(np.array_equal(np.asarray(restore(*pack(cuts[z]), w.shape)), cuts[z]) for z in zeros)
print(f"packed and unpacked by {'your' if passed else 'our'} function, every layer is the same: {same}")
buffer = io.BytesIO()
torch.save(torch.from_numpy(cuts[0.9]), buffer)
print(f"torch.save of the dense layer, 90 % zeros: {buffer.tell() / w.nbytes:.0%} of its bytes")
fig, ax = plt.subplots()
for (name, values), style, marker in zip(size.items(), ("-", "--", "-.", ":"), "osD^"):
    ax.plot(zeros, values, linestyle=style, marker=marker, label=name)
ax.axhline(1, color="k", linewidth=1, linestyle="-")
ax.text(0.01, 1.03, "dense, 4 bytes a number", fontsize=8)
ax.axhline(0.5, color="0.5", linewidth=1, linestyle="-")
ax.text(0.01, 0.43, "dense, 2 bytes (half precision)", fontsize=8)
ax.plot(0.5, two_of_four(w) / w.nbytes, marker="*", markersize=13, color="C6", linestyle="none", label="2 of every 4")
at = {name: values[2] for name, values in size.items()}
ax.set(xlabel="share of zeros", ylabel="bytes, of the dense layer", ylim=(0, 2.6))
ax.set_title(f"Half zeros: CSR {at['CSR']:.0%}, bits and numbers {at['bits and numbers']:.0%}")
ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc="upper right")
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Bytes of the layer against the share of zeros in four formats, with lines for dense storage in 4 and in 2 bytes.",
    reading=f"Half zeros: COO {at['COO']:.0%}, CSR {at['CSR']:.0%}, bits and numbers {at['bits and numbers']:.0%}, zipped "
    f"{at['dense, zipped']:.0%}, two of every four {two_of_four(w) / w.nbytes:.0%}. With {zeros[-1]:.0%} zeros: "
    + ", ".join(f"{name} {values[-1]:.0%}" for name, values in size.items())
    + f".{yours}",
)

# %% [markdown]
# A sparse network needs *many* zeros, or cheap addresses. Half precision halves the bytes without a single zero. (Zip does about
# as well as your bits, but only on disk: to compute, one must unzip.)
#
# ### Exercise 2 · Break even
#
# From which share of zeros on is CSR smaller than dense? A number takes `value_bytes`, a column index `index_bytes`; leave out
# where the rows begin.
#
# <details><summary>Hint 1</summary>Of n places let a share z be zero. Dense: n value_bytes. CSR: how many numbers, and how many
# bytes for each?</details>
# <details><summary>Hint 2</summary>(1 - z)(value_bytes + index_bytes) = value_bytes.</details>


# %% tags=["stub"]
def break_even(value_bytes, index_bytes): ...


checks.check_2(break_even)


# %% tags=["solution"]
def break_even(value_bytes, index_bytes):
    return index_bytes / (value_bytes + index_bytes)


checks.check_2(break_even)

# %% tags=["fold"]
# break-even shares for some pairs of bytes, by yours if it passed
even = break_even if checks.check_2(break_even).startswith("passed") else lambda v, i: i / (v + i)
for v, i, what in (
    (4, 8, "float32, 64-bit index (as above)"),
    (4, 4, "float32, 32-bit"),
    (2, 8, "half, 64-bit"),
    (1, 8, "8-bit"),
):
    print(f"{what:34} from {float(even(v, i)):.0%} zeros on")

# %% [markdown]
# The better the numbers are compressed, the dearer the addresses.
#
# ## 2 · Milliseconds
#
# The layer multiplies 64 digits at once: dense, with 90 % scattered zeros left in place, with CSR, and as a smaller dense matrix
# of whole units.
#
# **Predict.** The dense product takes 1. How long take CSR with half zeros, and CSR and the smaller matrix with a tenth of the
# weights?

# %%
prediction = None  # three numbers


# %%
def seconds(products):
    """{name: (n_rounds,)} of processor time; the products take turns, and meet the same noise."""
    taken = {name: [] for name in products}
    for _ in range(n_rounds):
        for name, product in products.items():
            start = time.thread_time()
            for _ in range(20):
                product()
            taken[name].append((time.thread_time() - start) / 20)
    return {name: np.array(values) for name, values in taken.items()}


# %% tags=["fold"]
# the products, timed; figure: time of the product against the share of zeros, relative to dense
x = torch.relu(torch.randn(width, 64, generator=torch.Generator().manual_seed(seed)))
places = [0.5, 0.75, 0.9, 0.95, 0.98]
layer, holed = torch.from_numpy(w), torch.from_numpy(cuts[0.9])
x_half, layer_half = x.half(), layer.half()
products = {"dense": lambda: layer @ x, "zeros in place": lambda: holed @ x, "half": lambda: layer_half @ x_half}
for z in places:
    cut = torch.from_numpy(keep_largest(w, 1 - z)).to_sparse_csr()
    n = max(2, round((1 - z) ** 0.5 * width))
    tight, few = torch.from_numpy(w[:n, :n].copy()), x[:n].clone()
    products |= {f"CSR {z}": lambda a=cut: a @ x, f"units {z}": lambda a=tight, b=few: a @ b}
for product in products.values():
    product()
taken = seconds(products)
ratio = {name: values / taken["dense"] for name, values in taken.items()}
fig, ax = plt.subplots()
for kind, style, marker in (("CSR", "--", "s"), ("units", "-", "o")):
    middle = [np.median(ratio[f"{kind} {z}"]) for z in places]
    spread = np.abs([np.quantile(ratio[f"{kind} {z}"], (0.25, 0.75)) for z in places] - np.array(middle)[:, None]).T
    label = {"CSR": "scattered, CSR", "units": "whole units, dense"}[kind]
    ax.errorbar(places, middle, spread, linestyle=style, marker=marker, capsize=2, label=f"{label} (median, middle half)")
ax.axhline(1, color="k", linewidth=1, linestyle="-")
ax.plot(
    0.9, np.median(ratio["zeros in place"]), marker="x", markersize=9, color="k", linestyle="none", label="zeros left in place"
)
half, tenth, tight = (np.median(ratio[name]) for name in ("CSR 0.5", "CSR 0.9", "units 0.9"))
ax.set(xlabel="share of the weights that is gone", ylabel="time, of the dense product", yscale="log")
ax.set_yticks([0.05, 0.1, 0.2, 0.5, 1, 2], ["0.05", "0.1", "0.2", "0.5", "1", "2"])
ax.set_title(f"Half zeros in CSR: {half:.1f} times as long as dense")
ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend()
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Time relative to the dense product against the share of weights that is gone, falling for CSR from above one, lower "
    "for whole units.",
    reading=f"On this machine the dense product takes {1e6 * np.median(taken['dense']):.0f} millionths of a second. Zeros left "
    f"in place: {np.median(ratio['zeros in place']):.2f} of that. CSR with half zeros {half:.2f}; with a tenth of the weights "
    f"CSR {tenth:.2f}, whole units {tight:.2f}. Half precision: "
    f"{np.median(ratio['half']):.1f}, which says how this processor computes it, and nothing about a GPU.{yours}",
)

# %% tags=["fold"]
# claims 06.compression.1 and 2: times of products, taken in turns
claims.compare(
    "06.compression.1",
    "With half of the weights zero, the CSR product takes at least a fifth longer than the dense one.",
    1e6 * taken["CSR 0.5"],
    1e6 * taken["dense"],
    factor=1.2,
    names=("CSR", "dense"),
    unit="µs",
    over="rounds of timing on this machine",
)
claims.compare(
    "06.compression.2",
    "With a tenth of the weights, CSR takes at least twice as long as a smaller dense matrix of whole units.",
    1e6 * taken["CSR 0.9"],
    1e6 * taken["units 0.9"],
    factor=2,
    names=("CSR", "whole units"),
    unit="µs",
    over="rounds of timing on this machine",
    source="Wen et al. 2016, arXiv:1608.03665",
)

# %% [markdown]
# A dense product walks through memory in order, many numbers in one instruction. CSR looks up every address. Where zeros pay,
# and when, depends on the machine: some GPUs multiply two of every four at up to twice the speed (Mishra and others 2021).
#
# ## 3 · At equal accuracy
#
# Whole units are the better zeros, if the network can spare them. A unit is gone only when its row *and* its column
# go, and then the network really is smaller. Its score is what comes in times what goes out, which does not
# change when a unit is rescaled (exercise 6.3):


# %%
@torch.no_grad()
def shrink(network, n):
    first, middle, last = (deepcopy(layer) for layer in linear(network))
    for a, b in ((first, middle), (middle, last)):
        score = a.weight.norm(dim=1) * b.weight.norm(dim=0)  # one number a unit
        stay = score.topk(n).indices
        a.weight.data, a.bias.data = a.weight[stay], a.bias[stay]
        b.weight.data = b.weight[:, stay]
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), middle, nn.ReLU(), last)


# %% [markdown]
# Cut each trained network, in one cut, to the same number of weights, scattered or in whole units, and train on. And a rival that
# nobody prunes: a network *built* that small, trained for as many epochs in all.
#
# **Predict.** Which of the three reads best, with about a twenty-fifth of the weights?

# %%
prediction = None  # "scattered", "units", "built small" or "a tie"


# %% tags=["fold"]
# the three kinds at each size; figure: accuracy against bytes
def scattered_cut(network, share):
    network = deepcopy(network)
    for layer in linear(network):
        prune.l1_unstructured(layer, "weight", amount=1 - share)
    return network


n_on = max(1, epochs * 2 // 5)


def train_on(network, s):
    optimizer = torch.optim.Adam(network.parameters(), lr=lr_on)
    fit(network, train, val, optimizer, epochs=n_on, batch_size=32, seed=s, evaluate_every=n_on, progress=False)
    return network


def kilobytes_of(network, count):
    return sum(count(layer.weight.detach().cpu().numpy()) for layer in linear(network)) / 1000


shares = {n: n_weights(n) / n_weights(width) for n in small}
networks = {
    "scattered": {n: [train_on(scattered_cut(m, shares[n]), s) for m, s in zip(whole, seeds)] for n in small},
    "units": {n: [train_on(shrink(m, n), s) for m, s in zip(whole, seeds)] for n in small},
    "built small": {n: train_all(n, epochs + n_on, lr_on) for n in small},
}
read = {name: {n: scores(trained) for n, trained in sizes.items()} for name, sizes in networks.items()}
of_whole = scores(whole).mean()
stored = (
    ("scattered, CSR", csr),
    ("scattered, bits and numbers", formats["bits and numbers"]),
    ("units", nbytes),
    ("built small", nbytes),
)
kilobytes = {name: {n: kilobytes_of(networks[name.split(",")[0]][n][0], count) for n in small} for name, count in stored}
fig, ax = plt.subplots()
for (name, sizes), style, marker in zip(kilobytes.items(), ("--", "-.", "-", ":"), "sDo^"):
    values = read[name.split(",")[0]]
    mean, error = zip(*[mean_and_interval(values[n])[:2] for n in small])
    ax.errorbar(
        [sizes[n] for n in small], mean, error, linestyle=style, marker=marker, capsize=2, label=f"{name} (95 %, n = {n_runs})"
    )
ax.plot(4 * n_weights(width) / 1000, of_whole, marker="*", markersize=13, color="k", linestyle="none",
        label="whole")  # fmt: skip
ax.set(xscale="log", xlabel="thousand bytes for the weights", ylabel="test accuracy")
n = small[len(small) // 2]
best = {name: values[n].mean() for name, values in read.items()}
gap, error, _ = mean_and_interval(100 * (read["built small"][n] - read["units"][n]))
finding = "reads as well as cut" if abs(gap) < error else f"reads {gap:+.1f} points against cut"
ax.set_title(f"With {shares[n]:.0%} of the weights, built small {finding}")
ax.yaxis.set_major_locator(MultipleLocator(0.05))
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.legend(loc="lower right")
yours = f" You said: {prediction}." if prediction else ""
show(
    fig,
    alt="Test accuracy against the bytes of the weights, scattered in two formats, in whole units, and built small.",
    reading=f"Whole: {4 * n_weights(width) / 1000:.0f} thousand bytes, {of_whole:.1%}. Each curve has "
    f"{', '.join(f'{shares[m]:.1%}' for m in small)} of the weights. With {shares[n]:.1%}: "
    + ", ".join(f"{name} {value:.1%}" for name, value in best.items())
    + "; thousand bytes: "
    + ", ".join(f"{name} {sizes[n]:.0f}" for name, sizes in kilobytes.items())
    + f".{yours}",
)
claims.same(
    "06.compression.3",
    "With about a twenty-fifth of the weights, a network built small reads as well as one cut to that size by whole units, to "
    "within two points.",
    read["built small"][n],
    read["units"][n],
    margin=0.02,
    names=("built small", "cut to units"),
    unit="points",
    over="training runs on these digits",
    source="Liu et al. 2019, arXiv:1810.05270",
)

# %% [markdown]
# For structured pruning Liu and others (2019) found the same on large image networks: what pruning finds is a *shape*, and a
# network of that shape can be trained from the start. So before you prune, ask how well a small network does. Pruning pays where
# the large one is there already, or training is dear.
#
# ## What to take along
#
# * A zero saves bytes only where a format leaves it out, and addresses may cost more than numbers.
# * It saves time only where the hardware skips it. Whole units save both, everywhere.
# * Compare with half precision, zip, and a small network, before you build something.
#
# **On your own model:** build it with a quarter of the width, train it as long, and look at one number: how far it falls behind.
#
# **References.** Han, Mao, Dally 2016, [Deep Compression](https://arxiv.org/abs/1510.00149) ·
# Wen et al. 2016, [arXiv:1608.03665](https://arxiv.org/abs/1608.03665) ·
# Liu et al. 2019, [arXiv:1810.05270](https://arxiv.org/abs/1810.05270) ·
# Mishra et al. 2021, [arXiv:2104.08378](https://arxiv.org/abs/2104.08378)

# %% tags=["fold"]
# all claims of this dive, and the record of this run
claims.table()
metrics = {"csr_half_bytes": at["CSR"], "csr_half_time": half, "csr_tenth_time": tenth, "units_tenth_time": tight}
metrics |= {f"{name.replace(' ', '_')}_{n}": values[n].mean() for name, values in read.items() for n in small}
record = claims.record(parameters, metrics)

# %% [markdown] tags=["instructor"]
# **Minute plan (30).** 3 hook · 10 exercise 1 · 3 figure · 4 exercise 2 · 5 section 2 · 5 section 3.
# **Ask before running:** what does one zero cost in each format? Why is a lattice of rows and columns better than as many dots?
# **Expect:** `np.unpackbits(bits)` without cutting off the padding; break-even shares with numbers and addresses swapped.
# **When short:** exercise 2 at the board. **Times** were tried with layers 256, 512 and 1,024 wide, always beside many other
# programs, on one kind of processor; on yours, look at the ratios before you show the claims.
