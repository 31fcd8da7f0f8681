namespace ActorMlp.Engine.Networks;

/// <summary>The floats [<paramref name="Offset"/>, <paramref name="Offset"/> + <paramref name="Length"/>) of a flat vector.</summary>
/// <param name="Offset">The first.</param>
/// <param name="Length">How many.</param>
public readonly record struct ParameterRange(int Offset, int Length)
{
    /// <summary>One past the last.</summary>
    public int End => Offset + Length;

    /// <summary>Whether another range lies within this one.</summary>
    public bool Contains(ParameterRange other) => other.Length >= 0 && other.Offset >= Offset && other.End <= End;

    /// <inheritdoc/>
    public override string ToString() => $"floats {Offset} to {End - 1}";
}
