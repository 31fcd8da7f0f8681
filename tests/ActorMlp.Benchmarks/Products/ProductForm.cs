namespace ActorMlp.Benchmarks.Products;

/// <summary>The three matrix products of training; each makes an m×n result of chains of length k.</summary>
internal enum ProductForm
{
    /// <summary>X·W: m rows, n units, k inputs.</summary>
    Forward,

    /// <summary>dY·Wᵀ: m rows, n inputs, k units.</summary>
    Backward,

    /// <summary>Xᵀ·dY: m inputs, n units, k rows.</summary>
    WeightGradient,
}
