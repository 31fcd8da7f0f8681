namespace ActorMlp.Engine.Numerics;

/// <summary>
/// A vector of floats, as wide as it may be. Every operation acts on each lane alone and is rounded once, so a kernel written against this
/// interface gives the same bits at every width.
/// </summary>
/// <typeparam name="T">The vector.</typeparam>
internal unsafe interface ISimd<T>
    where T : struct
{
    /// <summary>Number of lanes; divides 16.</summary>
    static abstract int Width { get; }

    static abstract string Name { get; }

    static abstract T Load(float* source);

    static abstract void Store(T value, float* destination);

    static abstract T Broadcast(float value);

    static abstract T Add(T left, T right);

    static abstract T Subtract(T left, T right);

    static abstract T Multiply(T left, T right);

    static abstract T Divide(T left, T right);

    /// <summary>left·right + addend, rounded once.</summary>
    static abstract T FusedMultiplyAdd(T left, T right, T addend);

    static abstract T SquareRoot(T value);

    static abstract T Absolute(T value);

    /// <summary>The larger, with the right operand where either is NaN.</summary>
    static abstract T Larger(T left, T right);

    /// <summary>The smaller, with the right operand where either is NaN.</summary>
    static abstract T Smaller(T left, T right);

    /// <summary>left &gt; right ? yes : no; a NaN gives <paramref name="no"/>.</summary>
    static abstract T WhereGreater(T left, T right, T yes, T no);

    /// <summary>2 to the power of a whole number in [-126, 127].</summary>
    static abstract T PowerOfTwo(T exponent);

    /// <summary>The exponent e and the mantissa m in [1, 2) of a positive normal number m·2^e.</summary>
    static abstract T Decompose(T value, out T exponent);

    /// <summary>Magnitude of <paramref name="magnitude"/>, sign of <paramref name="sign"/>.</summary>
    static abstract T CopySign(T magnitude, T sign);
}
