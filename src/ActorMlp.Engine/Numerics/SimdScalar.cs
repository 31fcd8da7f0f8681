using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>One lane: the plain loop that every wider kernel must equal, bit for bit.</summary>
internal readonly unsafe struct SimdScalar : ISimd<float>
{
    public static int Width => 1;

    public static string Name => "scalar";

    public static float Load(float* source) => *source;

    public static void Store(float value, float* destination) => *destination = value;

    public static float Broadcast(float value) => value;

    public static float Add(float left, float right) => left + right;

    public static float Subtract(float left, float right) => left - right;

    public static float Multiply(float left, float right) => left * right;

    public static float Divide(float left, float right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FusedMultiplyAdd(float left, float right, float addend) => MathF.FusedMultiplyAdd(left, right, addend);

    public static float SquareRoot(float value) => MathF.Sqrt(value);

    public static float Absolute(float value) => MathF.Abs(value);

    public static float Larger(float left, float right) => left > right ? left : right;

    public static float Smaller(float left, float right) => right > left ? left : right;

    public static float WhereGreater(float left, float right, float yes, float no) => left > right ? yes : no;

    public static float PowerOfTwo(float exponent) => BitConverter.Int32BitsToSingle(((int)exponent + 127) << 23);

    public static float Decompose(float value, out float exponent)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        exponent = (bits >>> 23) - 127;
        return BitConverter.Int32BitsToSingle((bits & 0x7FFFFF) | 0x3F800000);
    }

    public static float CopySign(float magnitude, float sign) => MathF.CopySign(magnitude, sign);
}
