"""What the Cholesky factorisation on a grid of ranks costs, by a model: docs/distributed-gp.md has its equations.

    cholesky_model.py RATE LATENCY SECONDS_PER_BYTE [n ranks]...

RATE: flops per second of a rank in matrix products; LATENCY, SECONDS_PER_BYTE: of one message. All three are measured
by gp_ranks (its "factor" on one rank, and "messages"). Prints for each n and number of ranks the flops, bytes and
messages of the rank that has most, the seconds that each of them takes, and the efficiency (seconds of one rank over
seconds × ranks).
"""
import math
import sys


def grid(ranks):
    """As parallel::grid_shape."""
    best = (1, 1)
    for rows in range(1, math.isqrt(ranks) + 1):
        columns = min(ranks // rows, 4 * rows)
        if rows * columns >= best[0] * best[1]:
            best = (rows, columns)
    return best


def block(n, rows, columns):
    """As default_block in lib/parallel/block_cyclic.cpp."""
    return min(max(n // (10 * max(rows, columns)) // 16 * 16, 16), 256)


def cost(n, ranks):
    """Flops, bytes and messages on the critical path, summed over the steps k = 0 … n / b - 1."""
    p, q = grid(ranks)
    b = block(n, p, q)
    up_p, up_q = math.ceil(math.log2(p)), math.ceil(math.log2(q))
    flops = bytes_ = messages = 0.0
    for k in range(math.ceil(n / b)):
        m = max(n - (k + 1) * b, 0)                      # rows below the block
        down, right = math.ceil(m / (b * p)) * b, math.ceil(m / (b * q)) * b  # the largest share of a rank
        flops += b**3 / 3                                # the block itself, on one rank,
        bytes_ += 8 * b * b / 2 * up_p                   # sent down its column of ranks
        messages += up_p
        flops += down * b * b                            # the panel, on that column,
        bytes_ += 8 * down * b * up_q                    # sent along the rows,
        messages += up_q
        bytes_ += 8 * right * b * up_p                   # and, transposed, down the columns
        messages += up_p
        flops += down * right * b                        # the update of what is left, its lower half:
        # 2 b flops for each of down × right / 2 elements
    return flops, bytes_, messages


def main():
    rate, latency, per_byte = (float(a) for a in sys.argv[1:4])
    pairs = [int(float(a)) for a in sys.argv[4:]]
    cases = list(zip(pairs[::2], pairs[1::2])) or [(n, r) for n in (12000, 100000, 300000)
                                                   for r in (1, 2, 16, 128, 1024)]
    print("       n  ranks    grid  GB/rank   flops    bytes  messages  arithmetic     bytes  latency    total  efficiency")
    for n, ranks in cases:
        p, q = grid(ranks)
        flops, bytes_, messages = cost(n, ranks)
        parts = flops / rate, bytes_ * per_byte, messages * latency
        alone = cost(n, 1)[0] / rate
        print(f"{n:8d} {ranks:6d} {p:3d} x {q:<3d} {8e-9 * n * n / (p * q):7.3f} {flops:8.2e} {bytes_:8.2e} {messages:8.0f}"
              f" {parts[0]:9.2f} s {parts[1]:7.2f} s {parts[2]:6.2f} s {sum(parts):8.2f} s {alone / sum(parts) / ranks:8.2f}")


if __name__ == "__main__":
    main()
