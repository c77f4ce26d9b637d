"""What a user would pick instead. Each trains `runs` of a work on two cores (two threads, or two processes of one), evaluates
both splits once, and returns the mean validation accuracy."""

import copy
import warnings
from itertools import groupby

import joblib
import torch
from torch.func import functional_call, grad_and_value, stack_module_state
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from course_utils.dropout import use_generator
from course_utils.stacked import train_runs
from course_utils.training import batches, evaluate, fit, run_generators, task_loss

TRAINING = ("lr", "weight_decay", "seed")


def build(work, run):
    torch.manual_seed(run["seed"])
    return work.build(**{k: v for k, v in run.items() if k not in TRAINING})


def adamw(model, run, parameters=None, **settings):
    return torch.optim.AdamW(parameters or model.parameters(), lr=run["lr"], weight_decay=run["weight_decay"], **settings)


def mean_accuracy(models, work):
    """Of both splits, as `fit` and `train_runs` do; the validation accuracy is returned."""
    return sum((evaluate(model, *work.train), evaluate(model, *work.val))[1]["accuracy"] for model in models) / len(models)


def ours(work, runs):
    settings = {"epochs": work.epochs, "batch_size": work.batch_size, "evaluate_every": work.epochs, "progress": False}
    table, _ = train_runs(work.build, work.train, work.val, runs, **settings)
    return table[table["epoch"] == work.epochs - 1]["val_accuracy"].mean()


def fit_one(work, run):
    model = build(work, run)
    settings = {"epochs": work.epochs, "batch_size": work.batch_size, "evaluate_every": work.epochs, "progress": False}
    history = fit(model, work.train, work.val, adamw(model, run, fused=True), **settings, seed=run["seed"])
    return history["val_accuracy"].iloc[-1]


def clean_loop(work, runs):
    """`fit`, run after run, with the fused optimizer."""
    return sum(fit_one(work, run) for run in runs) / len(runs)


def joblib_fit(work, runs):
    """`fit` in one process of one thread for each core, run by run."""
    with joblib.parallel_config(backend="loky", n_jobs=joblib.cpu_count(), inner_max_num_threads=1):
        return sum(joblib.Parallel()(joblib.delayed(fit_one)(work, run) for run in runs)) / len(runs)


def vmap(work, runs):
    """`torch.func`, as its tutorial on model ensembling has it: runs of equal settings at once, dropout from the global noise."""
    (x, y), trained = work.train, []
    for _, same in groupby(sorted(runs, key=_settings), key=_settings):
        same = list(same)
        models = [build(work, run) for run in same]
        parameters, buffers = stack_module_state(models)
        base, optimizer = copy.deepcopy(models[0]).to("meta"), adamw(None, same[0], parameters=parameters.values(), fused=True)

        def loss_of(parameters, buffers, x, y, base=base):
            return task_loss(functional_call(base, (parameters, buffers), (x,)), y)

        step = torch.vmap(grad_and_value(loss_of), randomness="different")
        orders = [run_generators(run["seed"])[0] for run in same]
        for _ in range(work.epochs):
            for index in torch.stack([batches(len(x), work.batch_size, order) for order in orders], 1):
                gradients, _ = step(parameters, buffers, x[index], y[index])
                for name, gradient in gradients.items():
                    parameters[name].grad = gradient
                optimizer.step()
        for k, model in enumerate(models):
            model.load_state_dict({name: values[k].detach() for name, values in (parameters | buffers).items()})
        trained += models
    return mean_accuracy(trained, work)


def _settings(run):
    return [value for key, value in sorted(run.items()) if key != "seed"]


def bare_loop(work, runs):
    """The same steps as `fit` with nothing around them; evaluated once, as `fit` is in `clean_loop`."""
    (x, y), models = work.train, []
    for run in runs:
        model = build(work, run)
        optimizer = adamw(model, run, fused=True)
        order, noise = run_generators(run["seed"])
        use_generator(model, noise)
        for _ in range(work.epochs):
            for index in batches(len(x), work.batch_size, order):
                loss = task_loss(model(x[index]), y[index])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        models.append(model)
    return mean_accuracy(models, work)


def dataloader_loop(work, runs, dataset=None):
    """The loop of the tutorials: DataLoader, default optimizer, a running loss."""
    models = []
    for run in runs:
        model = build(work, run)
        optimizer = adamw(model, run)
        loader = DataLoader(dataset or TensorDataset(*work.train), work.batch_size, shuffle=True, drop_last=True)
        for _ in range(work.epochs):
            running = 0.0
            for x, y in loader:
                optimizer.zero_grad()
                loss = task_loss(model(x), y)
                loss.backward()
                optimizer.step()
                running += loss.item()
        models.append(model)
    return mean_accuracy(models, work)


class Images(Dataset):
    """Images stored and read as torchvision's MNIST does it: bytes, a PIL image, ToTensor, Normalize."""

    def __init__(self, x, y):
        from torchvision import transforms

        self.low, self.span = x.min(), x.max() - x.min()
        self.bytes, self.y = ((x - self.low) / self.span * 255).to(torch.uint8).squeeze(1), y
        mean, std = -self.low / self.span, 1 / self.span  # gives back x
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((mean,), (std,))])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        from PIL import Image

        return self.transform(Image.fromarray(self.bytes[index].numpy(), mode="L")), int(self.y[index])


def textbook_loop(work, runs):
    """`dataloader_loop` over images read as torchvision's MNIST reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return dataloader_loop(work, runs, Images(*work.train))


def lightning(work, runs):
    """PyTorch Lightning with everything switched off that can be."""
    import logging

    from lightning.pytorch import LightningModule, Trainer

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(LightningModule):
        def __init__(self, model, run):
            super().__init__()
            self.model, self.run = model, run

        def training_step(self, batch, _):
            return functional.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self):
            return adamw(self.model, self.run)

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    models = []
    for run in runs:
        models.append(build(work, run))
        loader = DataLoader(TensorDataset(*work.train), work.batch_size, shuffle=True, drop_last=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Trainer(max_epochs=work.epochs, accelerator="cpu", **quiet).fit(Module(models[-1], run), loader)
    return mean_accuracy(models, work)


def jax_vmap(work, runs):
    """All runs at once in JAX: vmap over runs, scan over the steps of an epoch, one jit (see jax_mlp)."""
    from benchmarks.jax_mlp import train

    models = [build(work, run) for run in runs]
    trained = train(work, runs, [[p.detach().numpy() for p in model.parameters()] for model in models])
    for arrays, parameters in zip(trained, zip(*(model.parameters() for model in models), strict=True), strict=True):
        for array, parameter in zip(arrays, parameters, strict=True):
            parameter.data = torch.tensor(array)
    return mean_accuracy(models, work)
