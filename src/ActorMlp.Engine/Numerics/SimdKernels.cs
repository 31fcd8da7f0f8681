using System.Runtime.CompilerServices;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Engine.Numerics;

/// <summary>All kernels, written once for every vector width.</summary>
internal sealed unsafe class SimdKernels<TSimd, T> : Kernels
    where TSimd : ISimd<T>
    where T : struct
{
    public override string Name => TSimd.Name;

    public override void Multiply(in GemmArguments arguments) => Gemm<TSimd, T>.Multiply(arguments);

    public override void Activate(ActivationKind kind, float slope, float* y, int length)
    {
        T zero = TSimd.Broadcast(0f), factor = TSimd.Broadcast(slope);
        switch (kind)
        {
            case ActivationKind.Sigmoid:
                for (int i = 0; i < length; i += TSimd.Width)
                {
                    TSimd.Store(Elementary<TSimd, T>.Sigmoid(TSimd.Load(y + i)), y + i);
                }

                break;
            case ActivationKind.Tanh:
                for (int i = 0; i < length; i += TSimd.Width)
                {
                    TSimd.Store(Elementary<TSimd, T>.Tanh(TSimd.Load(y + i)), y + i);
                }

                break;
            case ActivationKind.Relu:
                // max(z, 0) with the second operand on a tie or NaN would hide a NaN: 0 > z ? 0 : z keeps it.
                for (int i = 0; i < length; i += TSimd.Width)
                {
                    T z = TSimd.Load(y + i);
                    TSimd.Store(TSimd.WhereGreater(zero, z, zero, z), y + i);
                }

                break;
            case ActivationKind.LeakyRelu:
                for (int i = 0; i < length; i += TSimd.Width)
                {
                    T z = TSimd.Load(y + i);
                    TSimd.Store(TSimd.WhereGreater(zero, z, TSimd.Multiply(factor, z), z), y + i);
                }

                break;
        }
    }

    public override void Differentiate(ActivationKind kind, float slope, float* y, float* d, int length)
    {
        T zero = TSimd.Broadcast(0f), one = TSimd.Broadcast(1f), factor = TSimd.Broadcast(slope);
        switch (kind)
        {
            case ActivationKind.Sigmoid:
                for (int i = 0; i < length; i += TSimd.Width)
                {
                    T value = TSimd.Load(y + i);
                    T slopeThere = TSimd.Multiply(value, TSimd.Subtract(one, value));
                    TSimd.Store(TSimd.Multiply(TSimd.Load(d + i), slopeThere), d + i);
                }

                break;
            case ActivationKind.Tanh:
                for (int i = 0; i < length; i += TSimd.Width)
                {
                    T value = TSimd.Load(y + i);
                    T slopeThere = TSimd.FusedMultiplyAdd(TSimd.Subtract(zero, value), value, one);
                    TSimd.Store(TSimd.Multiply(TSimd.Load(d + i), slopeThere), d + i);
                }

                break;
            case ActivationKind.Relu:
                for (int i = 0; i < length; i += TSimd.Width)
                {
                    TSimd.Store(TSimd.WhereGreater(TSimd.Load(y + i), zero, TSimd.Load(d + i), zero), d + i);
                }

                break;
            case ActivationKind.LeakyRelu:
                for (int i = 0; i < length; i += TSimd.Width)
                {
                    T gradient = TSimd.Load(d + i);
                    TSimd.Store(
                        TSimd.WhereGreater(TSimd.Load(y + i), zero, gradient, TSimd.Multiply(factor, gradient)), d + i);
                }

                break;
        }
    }

    public override void MultiplyElements(float* left, float* right, float* destination, int length)
    {
        for (int i = 0; i < length; i += TSimd.Width)
        {
            TSimd.Store(TSimd.Multiply(TSimd.Load(left + i), TSimd.Load(right + i)), destination + i);
        }
    }

    public override void Add(float* left, float* right, float* destination, int length)
    {
        for (int i = 0; i < length; i += TSimd.Width)
        {
            TSimd.Store(TSimd.Add(TSimd.Load(left + i), TSimd.Load(right + i)), destination + i);
        }
    }

    public override void ExpOfDifference(float* x, float shift, int length)
    {
        T offset = TSimd.Broadcast(shift);
        for (int i = 0; i < length; i += TSimd.Width)
        {
            TSimd.Store(Elementary<TSimd, T>.Exp(TSimd.Subtract(TSimd.Load(x + i), offset)), x + i);
        }
    }

    public override void Softplus(float* x, int length)
    {
        for (int i = 0; i < length; i += TSimd.Width)
        {
            TSimd.Store(Elementary<TSimd, T>.LogOnePlusExpOfMinus(TSimd.Absolute(TSimd.Load(x + i))), x + i);
        }
    }

    public override void Log(float* x, int length)
    {
        for (int i = 0; i < length; i += TSimd.Width)
        {
            TSimd.Store(Elementary<TSimd, T>.Log(TSimd.Load(x + i)), x + i);
        }
    }

    public override void MeanAndPenalize(float* gradient, float* weights, float rows, float l1, float l2, int length)
    {
        T count = TSimd.Broadcast(rows), zero = TSimd.Broadcast(0f);
        T sparse = TSimd.Broadcast(l1), minusSparse = TSimd.Broadcast(-l1), square = TSimd.Broadcast(l2);
        bool penalized = l1 != 0 || l2 != 0;
        for (int i = 0; i < length; i += TSimd.Width)
        {
            T g = TSimd.Divide(TSimd.Load(gradient + i), count);
            if (penalized)
            {
                T w = TSimd.Load(weights + i);
                g = TSimd.FusedMultiplyAdd(square, w, g);
                T sign = TSimd.WhereGreater(w, zero, sparse, TSimd.WhereGreater(zero, w, minusSparse, zero));
                g = TSimd.Add(g, sign);
            }

            TSimd.Store(g, gradient + i);
        }
    }

    public override void Scale(float* gradient, float factor, int length)
    {
        T scale = TSimd.Broadcast(factor);
        for (int i = 0; i < length; i += TSimd.Width)
        {
            TSimd.Store(TSimd.Multiply(TSimd.Load(gradient + i), scale), gradient + i);
        }
    }

    public override bool Update(in UpdateConstants c, float* gradient, float* weights, float* first, float* second, int length)
    {
        T finite = TSimd.Broadcast(0f);
        for (int i = 0; i < length; i += TSimd.Width)
        {
            T w = Step(c, TSimd.Load(gradient + i), TSimd.Load(weights + i), first + i, second + i);
            TSimd.Store(w, weights + i);

            // 0·w is 0 for every finite w and NaN otherwise.
            finite = TSimd.FusedMultiplyAdd(w, TSimd.Broadcast(0f), finite);
        }

        float* lanes = stackalloc float[16];
        TSimd.Store(finite, lanes);
        for (int lane = 0; lane < TSimd.Width; lane++)
        {
            if (lanes[lane] != 0)
            {
                return false;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Step(in UpdateConstants c, T g, T w, float* first, float* second)
    {
        T rate = TSimd.Broadcast(-c.LearningRate);
        switch (c.Kind)
        {
            case OptimizerKind.Momentum:
                {
                    T v = TSimd.FusedMultiplyAdd(TSimd.Broadcast(c.Momentum), TSimd.Load(first), g);
                    TSimd.Store(v, first);
                    return TSimd.FusedMultiplyAdd(rate, v, w);
                }

            case OptimizerKind.Nesterov:
                {
                    T mu = TSimd.Broadcast(c.Momentum);
                    T v = TSimd.FusedMultiplyAdd(mu, TSimd.Load(first), g);
                    TSimd.Store(v, first);
                    return TSimd.FusedMultiplyAdd(rate, TSimd.FusedMultiplyAdd(mu, v, g), w);
                }

            case OptimizerKind.AdaGrad:
                {
                    T s = TSimd.FusedMultiplyAdd(g, g, TSimd.Load(first));
                    TSimd.Store(s, first);
                    return Descend(w, rate, g, TSimd.SquareRoot(s), c.Epsilon);
                }

            case OptimizerKind.RmsProp:
                {
                    T s = TSimd.Multiply(TSimd.Multiply(TSimd.Broadcast(1f - c.Rho), g), g);
                    s = TSimd.FusedMultiplyAdd(TSimd.Broadcast(c.Rho), TSimd.Load(first), s);
                    TSimd.Store(s, first);
                    return Descend(w, rate, g, TSimd.SquareRoot(s), c.Epsilon);
                }

            case OptimizerKind.Adam or OptimizerKind.AdamW:
                {
                    T m = TSimd.FusedMultiplyAdd(
                        TSimd.Broadcast(c.Beta1), TSimd.Load(first), TSimd.Multiply(TSimd.Broadcast(1f - c.Beta1), g));
                    T v = TSimd.Multiply(TSimd.Multiply(TSimd.Broadcast(1f - c.Beta2), g), g);
                    v = TSimd.FusedMultiplyAdd(TSimd.Broadcast(c.Beta2), TSimd.Load(second), v);
                    TSimd.Store(m, first);
                    TSimd.Store(v, second);
                    T root = TSimd.Multiply(TSimd.SquareRoot(v), TSimd.Broadcast(c.CorrectedRoot));
                    T kept = TSimd.Multiply(w, TSimd.Broadcast(c.Keep));
                    return Descend(kept, TSimd.Broadcast(-c.CorrectedLearningRate), m, root, c.Epsilon);
                }

            default:
                return TSimd.FusedMultiplyAdd(rate, g, w);
        }
    }

    /// <summary>w + rate·direction / (root + ε).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Descend(T w, T rate, T direction, T root, float epsilon) =>
        TSimd.FusedMultiplyAdd(rate, TSimd.Divide(direction, TSimd.Add(root, TSimd.Broadcast(epsilon))), w);
}
