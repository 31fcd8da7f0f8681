using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Engine.Numerics;

/// <summary>An optimizer step's constants, in the precision in which they are applied.</summary>
internal readonly record struct UpdateRule
{
    /// <summary>The rule.</summary>
    public required OptimizerKind Kind { get; init; }

    /// <summary>η; Adam: η / (1 - β₁^t).</summary>
    public required float Rate { get; init; }

    /// <summary>μ, ρ or β₁.</summary>
    public float Decay { get; init; }

    /// <summary>1 - ρ or 1 - β₁, rounded once from the float constant.</summary>
    public float Gain { get; init; }

    /// <summary>β₂.</summary>
    public float SecondDecay { get; init; }

    /// <summary>1 - β₂.</summary>
    public float SecondGain { get; init; }

    /// <summary>1 / √(1 - β₂^t).</summary>
    public float SecondCorrection { get; init; }

    /// <summary>ε.</summary>
    public float Epsilon { get; init; }

    /// <summary>1 - η·λ of AdamW, by which weights shrink first; 1 for none.</summary>
    public float Shrink { get; init; }
}
