using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ActorMlp.Engine.Numerics;

/// <summary>Four lanes.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Vector128<float>, Vector128<uint>>
{
    public static string Name => "vector128";

    public static int Width => 4;

    public static bool ManyRegisters => AdvSimd.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector128<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> left, Vector128<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> left, Vector128<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> left, Vector128<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> left, Vector128<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SquareRoot(Vector128<float> value) => Vector128.Sqrt(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) => Vector128.FusedMultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Greater(Vector128<float> left, Vector128<float> right) => Vector128.GreaterThan(left, right).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Select(Vector128<uint> mask, Vector128<float> whenTrue, Vector128<float> whenFalse) => Vector128.ConditionalSelect(mask.AsSingle(), whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> SelectWords(Vector128<uint> mask, Vector128<uint> whenTrue, Vector128<uint> whenFalse) => Vector128.ConditionalSelect(mask, whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> LoadWords(uint* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreWords(uint* destination, Vector128<uint> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> BroadcastWord(uint value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> AsWords(Vector128<float> value) => value.AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> AsFloats(Vector128<uint> value) => value.AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> AddWords(Vector128<uint> left, Vector128<uint> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> SubtractWords(Vector128<uint> left, Vector128<uint> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> And(Vector128<uint> left, Vector128<uint> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Or(Vector128<uint> left, Vector128<uint> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Xor(Vector128<uint> left, Vector128<uint> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftLeft(Vector128<uint> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftRight(Vector128<uint> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftRightSigned(Vector128<uint> value, int count) => (value.AsInt32() >> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> EqualWords(Vector128<uint> left, Vector128<uint> right) => Vector128.Equals(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> LessWords(Vector128<uint> left, Vector128<uint> right) => Vector128.LessThan(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ToFloats(Vector128<uint> value) => Vector128.ConvertToSingle(value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vector128<uint> value) => value != Vector128<uint>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> MultiplyWide(Vector128<uint> left, uint right, out Vector128<uint> low)
    {
        Vector128<uint> factor = Vector128.Create(right);
        low = left * factor;
        if (Sse2.IsSupported)
        {
            // The instruction multiplies even lanes; odd lanes are shifted into their place and the high halves woven together.
            Vector128<ulong> even = Sse2.Multiply(left, factor);
            Vector128<ulong> odd = Sse2.Multiply((left.AsUInt64() >>> 32).AsUInt32(), factor);
            Vector128<uint> highs = Vector128.Create(0xFFFFFFFF00000000UL).AsUInt32();
            return Vector128.ConditionalSelect(highs, odd.AsUInt32(), (even >>> 32).AsUInt32());
        }

        // Schoolbook multiplication in 16-bit digits.
        Vector128<uint> digit = Vector128.Create(0xFFFFu);
        Vector128<uint> leftLow = left & digit, leftHigh = left >>> 16;
        Vector128<uint> rightLow = factor & digit, rightHigh = factor >>> 16;
        Vector128<uint> middle = leftHigh * rightLow + ((leftLow * rightLow) >>> 16);
        Vector128<uint> carry = leftLow * rightHigh + (middle & digit);
        return leftHigh * rightHigh + (middle >>> 16) + (carry >>> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Larger(Vector128<uint> left, Vector128<uint> right) => Vector128.Max(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Largest(Vector128<uint> value)
    {
        Vector128<uint> pairs = Vector128.Max(value, Vector128.Shuffle(value, Vector128.Create(2u, 3, 0, 1)));
        return Math.Max(pairs.ToScalar(), pairs.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint HighestBits(Vector128<uint> value) => value.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(byte* destination, Vector128<uint> value) =>
        Vector128.Narrow(value, value).GetLower().AsByte().Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> LoadHalves(byte* source) =>
        Vector128.WidenLower(Vector64.Load(source).AsUInt16().ToVector128());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Vector128<uint> value)
    {
        Vector128<ushort> halves = Vector128.Narrow(value, value);
        Unsafe.WriteUnaligned(destination, Vector128.Narrow(halves, halves).AsUInt32().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> LoadSignedBytes(byte* source)
    {
        Vector128<sbyte> bytes = Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(source)).AsSByte();
        return Vector128.WidenLower(Vector128.WidenLower(bytes)).AsUInt32();
    }
}
