using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ActorMlp.Engine.Numerics;

/// <summary>Eight lanes.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Vector256<float>, Vector256<uint>>
{
    public static string Name => "vector256";

    public static int Width => 8;

    public static bool ManyRegisters => Avx512F.VL.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector256<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> left, Vector256<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> left, Vector256<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> left, Vector256<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> left, Vector256<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SquareRoot(Vector256<float> value) => Vector256.Sqrt(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) => Vector256.FusedMultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Greater(Vector256<float> left, Vector256<float> right) => Vector256.GreaterThan(left, right).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Select(Vector256<uint> mask, Vector256<float> whenTrue, Vector256<float> whenFalse) => Vector256.ConditionalSelect(mask.AsSingle(), whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> SelectWords(Vector256<uint> mask, Vector256<uint> whenTrue, Vector256<uint> whenFalse) => Vector256.ConditionalSelect(mask, whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> LoadWords(uint* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreWords(uint* destination, Vector256<uint> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> BroadcastWord(uint value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> AsWords(Vector256<float> value) => value.AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AsFloats(Vector256<uint> value) => value.AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> AddWords(Vector256<uint> left, Vector256<uint> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> SubtractWords(Vector256<uint> left, Vector256<uint> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> And(Vector256<uint> left, Vector256<uint> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Or(Vector256<uint> left, Vector256<uint> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Xor(Vector256<uint> left, Vector256<uint> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftLeft(Vector256<uint> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftRight(Vector256<uint> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftRightSigned(Vector256<uint> value, int count) => (value.AsInt32() >> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> EqualWords(Vector256<uint> left, Vector256<uint> right) => Vector256.Equals(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> LessWords(Vector256<uint> left, Vector256<uint> right) => Vector256.LessThan(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToFloats(Vector256<uint> value) => Vector256.ConvertToSingle(value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vector256<uint> value) => value != Vector256<uint>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> MultiplyWide(Vector256<uint> left, uint right, out Vector256<uint> low)
    {
        Vector256<uint> factor = Vector256.Create(right);
        low = left * factor;
        if (Avx2.IsSupported)
        {
            // The instruction multiplies even lanes; odd lanes are shifted into their place and the high halves woven together.
            Vector256<ulong> even = Avx2.Multiply(left, factor);
            Vector256<ulong> odd = Avx2.Multiply((left.AsUInt64() >>> 32).AsUInt32(), factor);
            Vector256<uint> highs = Vector256.Create(0xFFFFFFFF00000000UL).AsUInt32();
            return Vector256.ConditionalSelect(highs, odd.AsUInt32(), (even >>> 32).AsUInt32());
        }

        // Schoolbook multiplication in 16-bit digits.
        Vector256<uint> digit = Vector256.Create(0xFFFFu);
        Vector256<uint> leftLow = left & digit, leftHigh = left >>> 16;
        Vector256<uint> rightLow = factor & digit, rightHigh = factor >>> 16;
        Vector256<uint> middle = leftHigh * rightLow + ((leftLow * rightLow) >>> 16);
        Vector256<uint> carry = leftLow * rightHigh + (middle & digit);
        return leftHigh * rightHigh + (middle >>> 16) + (carry >>> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Larger(Vector256<uint> left, Vector256<uint> right) => Vector256.Max(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Largest(Vector256<uint> value) => Lanes128.Largest(Vector128.Max(value.GetLower(), value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint HighestBits(Vector256<uint> value) => value.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(byte* destination, Vector256<uint> value) =>
        Vector128.Narrow(value.GetLower(), value.GetUpper()).AsByte().Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> LoadHalves(byte* source)
    {
        (Vector128<uint> lower, Vector128<uint> upper) = Vector128.Widen(Vector128.Load(source).AsUInt16());
        return Vector256.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Vector256<uint> value)
    {
        Vector128<ushort> halves = Vector128.Narrow(value.GetLower(), value.GetUpper());
        Vector128.Narrow(halves, halves).GetLower().Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> LoadSignedBytes(byte* source)
    {
        (Vector128<int> lower, Vector128<int> upper) = Vector128.Widen(Vector128.WidenLower(Vector64.Load(source).AsSByte().ToVector128()));
        return Vector256.Create(lower, upper).AsUInt32();
    }
}
