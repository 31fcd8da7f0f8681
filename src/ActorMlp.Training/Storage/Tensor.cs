using System.Runtime.InteropServices;

namespace ActorMlp.Training.Storage;

/// <summary>Element types, by their safetensors names.</summary>
public enum TensorType
{
    /// <summary>32-bit float.</summary>
    F32,

    /// <summary>64-bit float.</summary>
    F64,
}

/// <summary>A named array of numbers, row-major.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Type of its elements.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Data">Its elements, little-endian.</param>
public sealed record Tensor(string Name, TensorType Type, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>Bytes of an element.</summary>
    public static int SizeOf(TensorType type) => type == TensorType.F64 ? sizeof(double) : sizeof(float);

    /// <summary>A tensor of floats.</summary>
    public static Tensor From(string name, ReadOnlySpan<float> values, params long[] shape) =>
        new(name, TensorType.F32, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A tensor of doubles.</summary>
    public static Tensor From(string name, ReadOnlySpan<double> values, params long[] shape) =>
        new(name, TensorType.F64, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>The elements of a tensor of floats.</summary>
    public float[] ToFloats() => MemoryMarshal.Cast<byte, float>(Data.Span).ToArray();

    /// <summary>The elements of a tensor of doubles.</summary>
    public double[] ToDoubles() => MemoryMarshal.Cast<byte, double>(Data.Span).ToArray();
}

/// <summary>A tensor for a file, whose elements are made as they are written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Type of its elements.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Write">Writes all of its elements, row-major and little-endian.</param>
public sealed record TensorSource(string Name, TensorType Type, IReadOnlyList<long> Shape, Action<Stream> Write)
{
    /// <summary>Bytes of its elements.</summary>
    public long Length => Shape.Aggregate((long)Tensor.SizeOf(Type), (product, size) => product * size);

    /// <summary>A tensor that is in memory.</summary>
    public static TensorSource Of(Tensor tensor) => new(tensor.Name, tensor.Type, tensor.Shape, stream => stream.Write(tensor.Data.Span));
}
