namespace ActorMlp.Engine.Optimizers;

/// <summary>The rule by which parameters follow the gradient.</summary>
public enum OptimizerKind
{
    /// <summary>w -= η·g (Robbins and Monro 1951).</summary>
    Sgd,

    /// <summary>v = μ·v + g; w -= η·v (Polyak 1964, in the form of Sutskever et al. 2013 as PyTorch has it).</summary>
    Momentum,

    /// <summary>v = μ·v + g; w -= η·(g + μ·v) (Nesterov 1983, in the form of Sutskever et al. 2013 as PyTorch has it).</summary>
    Nesterov,

    /// <summary>s += g²; w -= η·g / (√s + ε) (Duchi et al. 2011).</summary>
    AdaGrad,

    /// <summary>s = ρ·s + (1-ρ)·g²; w -= η·g / (√s + ε) (Tieleman and Hinton 2012).</summary>
    RmsProp,

    /// <summary>Moments m, v with bias correction; w -= η·m̂ / (√v̂ + ε) (Kingma and Ba 2015).</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay: w -= η·λ·w first, weights only (Loshchilov and Hutter 2019).</summary>
    AdamW,
}

/// <summary>An optimizer and its constants; the learning rate comes from the schedule, step by step.</summary>
public sealed record OptimizerSpec
{
    /// <summary>The rule.</summary>
    public required OptimizerKind Kind { get; init; }

    /// <summary>μ of momentum and Nesterov.</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>ρ of RMSprop.</summary>
    public float Rho { get; init; } = 0.99f;

    /// <summary>β₁ of Adam and AdamW.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>β₂ of Adam and AdamW.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>ε, which keeps divisions finite.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>λ of AdamW.</summary>
    public float WeightDecay { get; init; }
}

/// <summary>What is added to the cost, and what bounds gradient and weights. Biases are never penalised.</summary>
public sealed record RegularizationSpec
{
    /// <summary>λ₁: adds λ₁·Σ|w| to the cost, so λ₁·sign(w) to the mean gradient.</summary>
    public float L1 { get; init; }

    /// <summary>λ₂: adds λ₂/2·Σw² to the cost, so λ₂·w to the mean gradient.</summary>
    public float L2 { get; init; }

    /// <summary>Largest Euclidean norm of a unit's incoming weights, restored after each step by scaling; null for none.</summary>
    public float? MaxNorm { get; init; }

    /// <summary>Largest global Euclidean norm of the mean gradient, penalties included; null for none.</summary>
    public float? ClipNorm { get; init; }
}
