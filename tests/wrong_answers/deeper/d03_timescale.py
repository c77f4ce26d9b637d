"""Typical wrong answers of the deep dive `03_timescale`: (answer, part of the diagnosis it must get)."""

WRONG = {
    "check_1": [
        (lambda weight_decay, lr, batch, new_lr, new_batch: weight_decay, "you kept λ"),
        (lambda weight_decay, lr, batch, new_lr, new_batch: lr * weight_decay / new_lr, "keeps τ in steps"),
        (lambda weight_decay, lr, batch, new_lr, new_batch: weight_decay * new_batch / batch, "batch size only"),
        (lambda weight_decay, lr, batch, new_lr, new_batch: weight_decay * lr / new_lr * batch / new_batch, "fewer steps too"),
        (lambda weight_decay, lr, batch, new_lr, new_batch: weight_decay * new_lr / lr * new_batch / batch, "λ falls as η rises"),
        (lambda weight_decay, lr, batch, new_lr, new_batch: weight_decay * lr / new_lr * (new_batch / batch) ** 0.5, "no roots"),
    ],
}
