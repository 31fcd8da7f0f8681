using System.Diagnostics.CodeAnalysis;

namespace ActorMlp.Engine.Encodings;

/// <summary>How gradient sums travel.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "The formats are what the names say; run files use them.")]
public enum GradientEncodingKind
{
    /// <summary>As they are, 32 bits a value; loses nothing.</summary>
    Float32,

    /// <summary>bfloat16, 16 bits a value: the range of float32, 8 bits of precision.</summary>
    Bfloat16,

    /// <summary>IEEE 754 binary16, 16 bits a value: 11 bits of precision from 6·10⁻⁵ to 65,504.</summary>
    Float16,

    /// <summary>Blocks of signed bytes with a scale each, 8.5 bits a value with the default blocks.</summary>
    Int8,

    /// <summary>The values largest by magnitude and their places, 0.48 bits a value with the default ratio.</summary>
    TopK,
}
